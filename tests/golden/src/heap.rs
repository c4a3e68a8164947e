//! An allocator that only grows: the module lives for a few calls.

use core::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32::{memory_grow, memory_size},
    ptr,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Bytes of a page of WebAssembly memory.
const PAGE: usize = 65_536;

/// Hands out addresses past the memory that the module starts with.
struct Growing {
    /// The first address that is not handed out; 0 before the first call.
    next: AtomicUsize,
}

#[global_allocator]
static HEAP: Growing = Growing { next: AtomicUsize::new(0) };

// SAFETY: `alloc` returns addresses between the module's first size and its present one, aligned as asked. It never returns
// one twice, as `next` only grows and the module has one thread. Nothing is given back, so nothing can be used after that.
unsafe impl GlobalAlloc for Growing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let end = memory_size::<0>() * PAGE;
        let first = match self.next.load(Relaxed) {
            0 => end,
            next => next,
        };
        let Some(start) = first.checked_next_multiple_of(layout.align()) else {
            return ptr::null_mut();
        };
        let Some(next) = start.checked_add(layout.size()) else { return ptr::null_mut() };
        if next > end && memory_grow::<0>((next - end).div_ceil(PAGE)) == usize::MAX {
            return ptr::null_mut();
        }
        self.next.store(next, Relaxed);
        ptr::with_exposed_provenance_mut(start)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
