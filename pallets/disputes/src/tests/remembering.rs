//! A slash is remembered once it is executed.

use super::*;
use decentralml_types::{Conduct, Role};

#[test]
fn an_accusation_is_no_slash_yet_and_one_that_falls_never_is() {
    build_and_execute(|| {
        let case = appealed(Fault::Unavailable, None);
        assert_eq!(World::get().noted, []);
        votes(case, 0, 3);
        assert_ok!(conclude(case));
        assert_eq!(World::get().noted, []);
    });
}

#[test]
fn an_executed_slash_is_noted_once() {
    build_and_execute(|| {
        let case = accuse(Fault::Unavailable, None);
        wait(case);
        assert_ok!(conclude(case));
        assert_eq!(World::get().noted, [(ACCUSED, Role::Trainer, Conduct::Slashed)]);
    });
}
