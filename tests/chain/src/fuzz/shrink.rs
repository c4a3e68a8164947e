//! The fewest and simplest steps that still lead to a violation.

use super::run::{Case, Tree, Violation, run, trees};
use std::time::{Duration, Instant};

/// What is left of a case, with the violation that it still ends in. Takes about `limit` at most.
pub fn shrink(case: &Case, violation: &Violation, limit: Duration) -> (Case, Violation) {
    let end = Instant::now() + limit;
    let length = case.steps.len();
    let trees = trees(case.chain, length).into_iter().take(violation.step + 1).collect();
    let mut search = Search { case: case.clone(), trees, found: violation.clone(), end };
    search.leave_out();
    search.simplify();
    // Simpler arguments may need fewer steps.
    search.leave_out();
    search.simplify_end();
    let steps = search.steps();
    (Case { steps, ..search.case }, search.found)
}

struct Search {
    case: Case,
    trees: Vec<Tree>,
    found: Violation,
    end: Instant,
}

impl Search {
    fn steps(&self) -> Vec<super::Step> {
        self.trees.iter().map(|tree| tree.current()).collect()
    }

    /// Whether the same kind of violation is still there without the steps in `hole`.
    fn fails(&mut self, hole: std::ops::Range<usize>) -> bool {
        let kept = self.trees.iter().enumerate().filter(|(index, _)| !hole.contains(index));
        let steps = kept.map(|(_, tree)| tree.current()).collect();
        let violation = run(&Case { steps, ..self.case.clone() }, false).violation;
        match violation {
            Some(violation) if violation.kind() == self.found.kind() => {
                self.found = violation;
                true
            }
            _ => false,
        }
    }

    fn has_time(&self) -> bool {
        Instant::now() < self.end
    }

    /// Leaves out as many steps as it can: halves first, then ever smaller parts.
    fn leave_out(&mut self) {
        let mut size = self.trees.len().div_ceil(2);
        while size > 0 {
            let mut at = self.trees.len();
            while at > 0 && self.has_time() {
                let from = at.saturating_sub(size);
                if self.fails(from..at) {
                    self.trees.drain(from..at);
                    // What came after the violation is not needed either.
                    self.trees.truncate(self.found.step + 1);
                }
                at = from.min(self.trees.len());
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    /// Makes the arguments of each step as simple as they can be.
    fn simplify(&mut self) {
        for index in 0..self.trees.len() {
            while self.has_time() && self.trees[index].simplify() {
                if !self.fails(0..0) && !self.complicate(index) {
                    break;
                }
            }
        }
    }

    /// Goes back to the last arguments that failed. False where nothing simpler is left to be tried.
    fn complicate(&mut self, index: usize) -> bool {
        while self.trees[index].complicate() {
            if self.fails(0..0) {
                return true;
            }
        }
        false
    }

    /// Cancelling is simpler than waiting.
    fn simplify_end(&mut self) {
        let cancel = std::mem::replace(&mut self.case.cancel, true);
        if !self.fails(0..0) {
            self.case.cancel = cancel;
        }
    }
}
