//! How a daemon is told to end.

use tokio::sync::watch;

/// Ends what listens to its [`Shutdown`]s, when it is fired or dropped.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

/// Waits for its [`Trigger`].
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// A trigger and what listens to it.
pub fn channel() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    /// Ends all that listen.
    pub fn fire(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Returns once the trigger is fired or dropped.
    pub async fn wait(&mut self) {
        // An error says that the trigger is gone, which means the same.
        let _ = self.0.wait_for(|fired| *fired).await;
    }

    /// Whether the trigger is fired or dropped.
    pub fn is_fired(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_trigger_ends_all_listeners_when_fired_and_when_dropped() {
        let (trigger, mut first) = channel();
        let mut second = first.clone();
        assert!(!first.is_fired());
        trigger.fire();
        first.wait().await;
        second.wait().await;
        assert!(second.is_fired());

        let (trigger, mut listener) = channel();
        drop(trigger);
        listener.wait().await;
        assert!(listener.is_fired());
    }
}
