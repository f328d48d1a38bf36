//! The hook through which payloads are encrypted. Keys and nonces belong to whoever implements it.

use alloc::vec::Vec;

/// Seals and opens payloads. Given to [`encode`](crate::encode()) and [`decode`](crate::decode()).
///
/// `header` is the first four bytes of the envelope (magic, version, final flags); an implementation authenticates
/// it together with the payload.
pub trait Cipher {
    /// Encrypts `payload`. What it returns is sent as the envelope's payload.
    ///
    /// # Errors
    /// - [`CipherError`] if the payload cannot be sealed.
    fn seal(&self, payload: &[u8], header: &[u8; 4]) -> Result<Vec<u8>, CipherError>;

    /// Decrypts and authenticates what [`seal`](Self::seal) returned.
    ///
    /// # Errors
    /// - [`CipherError`] if `sealed` or `header` is not what was sealed under this key.
    fn open(&self, sealed: &[u8], header: &[u8; 4]) -> Result<Vec<u8>, CipherError>;
}

/// A payload that could not be sealed or opened. It carries no reason, because reasons help an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherError;

impl core::fmt::Display for CipherError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the cipher refused the payload")
    }
}

impl core::error::Error for CipherError {}
