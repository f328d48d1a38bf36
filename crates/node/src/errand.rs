//! Something that a guest's thread has done on the JavaScript thread while it waits.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use crate::dispatcher::{Dispatcher, Message};
use crate::js::Js;

/// Work that waits on another thread's stack to be done here.
pub(crate) struct Errand {
    work: *mut (dyn FnMut(Js) + 'static),
    /// Tells the waiting thread that the work is done; dropped without a word, that it will not be.
    done: SyncSender<()>,
}

// SAFETY: `run_there` has the promise of its caller that the work may run on another thread while its own one waits.
unsafe impl Send for Errand {}

impl Errand {
    /// Does the work and wakes the waiting thread.
    pub(crate) fn run(self, js: Js) {
        // SAFETY: the thread that owns the work waits until `done` is used or dropped, so the work is alive and nobody
        // else touches it.
        unsafe { (*self.work)(js) };
        // An error would mean that nobody waits, and then nothing is to be said.
        let _ = self.done.send(());
    }
}

/// Runs `work` on the JavaScript thread and returns its result: at once if this is that thread, else by a message and a
/// wait. `None` if the environment is ending.
///
/// # Safety
/// What `work` uses may be used on another thread while this one waits. On the JavaScript thread itself, the caller is
/// inside a handle scope.
pub(crate) unsafe fn run_there<R>(
    dispatcher: &Arc<Dispatcher>,
    work: impl FnOnce(Js) -> R,
) -> Option<R> {
    if dispatcher.is_current() {
        // SAFETY: by this function's contract there is a handle scope.
        return unsafe { dispatcher.js() }.map(work);
    }
    let (mut work, mut result) = (Some(work), None);
    let mut once = |js: Js| result = work.take().map(|work| work(js));
    let work: *mut (dyn FnMut(Js) + '_) = &mut once;
    // SAFETY: only the lifetime changes. The pointer is used by the errand alone, and this function does not return before
    // the errand has run or is gone.
    let work = unsafe {
        mem::transmute::<*mut (dyn FnMut(Js) + '_), *mut (dyn FnMut(Js) + 'static)>(work)
    };
    let (done, wait) = sync_channel(1);
    dispatcher.post(Message::Errand(Errand { work, done }));
    // An error says that the errand was dropped unrun.
    let _ = wait.recv();
    result
}
