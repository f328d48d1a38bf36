//! Whether machine code can be run here at all.

use region::Protection;

/// Whether this process may make memory executable that it has written. Hardened systems refuse it: systemd's
/// `MemoryDenyWriteExecute`, SELinux without `execmem`. wasmer would panic at the first module.
pub(super) fn may_run_own_code() -> bool {
    let Ok(mut page) = region::alloc(1, Protection::READ_WRITE) else {
        // Without memory nothing is known; what comes next will fail by itself.
        return true;
    };
    // SAFETY: the page is ours alone, nothing points into it, and it is freed at the end of this function.
    unsafe {
        region::protect(
            page.as_mut_ptr::<u8>(),
            page.len(),
            Protection::READ_EXECUTE,
        )
    }
    .is_ok()
}
