//! What code says of itself that should never happen: panics, and what the SDK calls defensive.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    static WATCHING: Cell<bool> = const { Cell::new(false) };
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.level() == log::Level::Error && metadata.target().contains("defensive")
    }

    fn log(&self, record: &log::Record) {
        if self.enabled(record.metadata()) {
            note(format!("defensive: {}", record.args()));
        }
    }

    fn flush(&self) {}
}

fn note(what: String) {
    SAID.with_borrow_mut(|said| {
        said.get_or_insert(what);
    });
}

/// From now on this process hears what is defensive, and panics inside [`guarded`] are not printed.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if log::set_logger(&Listener).is_ok() {
            log::set_max_level(log::LevelFilter::Error);
        }
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if WATCHING.get() {
                note(format!("panic: {info}"));
            } else {
                usual(info);
            }
        }));
    });
}

/// Runs something and says what it came to; the error is what should never have happened in it.
pub fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    listen();
    SAID.take();
    let outer = WATCHING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    WATCHING.set(outer);
    match (result, SAID.take()) {
        (_, Some(said)) => Err(said),
        (Err(_), None) => Err("panic".into()),
        (Ok(value), None) => Ok(value),
    }
}
