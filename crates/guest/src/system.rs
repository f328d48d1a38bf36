//! What every host provides under `aingle_v1`, and what stands in for it elsewhere than on wasm32.

#[cfg(target_arch = "wasm32")]
#[link(wasm_import_module = "aingle_v1")]
unsafe extern "C" {
    #[cfg(feature = "host-crc")]
    #[link_name = "crc32"]
    safe fn host_crc32(ptr: u32, len: u32) -> u32;

    #[link_name = "panic"]
    safe fn host_panic(ptr: u32, len: u32);
}

/// CRC-32/ISO-HDLC of `bytes`.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    #[cfg(all(target_arch = "wasm32", feature = "host-crc"))]
    return host_crc32(
        bytes.as_ptr().expose_provenance() as u32,
        bytes.len() as u32,
    );
    #[cfg(not(all(target_arch = "wasm32", feature = "host-crc")))]
    return aingle_wasm_codec::checksum(bytes);
}

/// Hands a structured error to the host, which reports it with the trap that follows.
#[cfg(target_arch = "wasm32")]
pub(crate) fn report(error: &[u8]) {
    host_panic(
        error.as_ptr().expose_provenance() as u32,
        error.len() as u32,
    );
}
