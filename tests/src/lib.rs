//! A whole system on one machine for end-to-end tests: every part a process of its own, as users run them.
//!
//! [`System`] starts a development node and the embedded store, and workers on demand; [`Process`] can be killed and started
//! again; a [`Proxy`] stands between a worker and the node; everything ends with the test. The programs come from the folder of
//! the test's own build.

mod machines;
mod process;
mod proxy;
mod system;
mod validators;

pub use machines::{HOST_PORTS, Machine, start_network};
pub use process::{Process, free_port, program, run, run_json};
pub use proxy::{Meddler, Proxy};
pub use system::{
    BOND, EVALUATORS, LONG, Node, POCKET, SPONSOR, Store, System, TOKEN, TRAINERS, honest, logs,
    stop, wait_until,
};
pub use validators::{Validator, start_validators};
