//! The ready-made cipher: ChaCha20-Poly1305, on the wire a 12-byte nonce, the ciphertext and a 16-byte tag.

use alloc::vec::Vec;

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce, Tag};

use crate::cipher::{Cipher, CipherError};

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// ChaCha20-Poly1305 with a key and a source of nonces.
///
/// A nonce must never be used twice with one key: that gives away both messages. Take a counter that survives
/// restarts, or 12 random bytes for at most 2^32 messages a key.
///
/// ```
/// use aingle_wasm_codec::{decode, encode, ChaChaCipher, DecodeOptions, EncodeOptions};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// let sent = AtomicU64::new(0);
/// let cipher = ChaChaCipher::new(&[7; 32], move || {
///     let mut nonce = [0; 12];
///     nonce[..8].copy_from_slice(&sent.fetch_add(1, Ordering::Relaxed).to_le_bytes());
///     nonce
/// });
/// let sealed = encode(b"secret", &EncodeOptions { cipher: Some(&cipher), ..Default::default() })?;
/// let opened = decode(&sealed, &DecodeOptions { cipher: Some(&cipher), ..Default::default() })?;
/// assert_eq!(*opened.payload, *b"secret");
/// # Ok::<(), aingle_wasm_codec::CodecError>(())
/// ```
pub struct ChaChaCipher<N> {
    aead: ChaCha20Poly1305,
    next_nonce: N,
}

impl<N: Fn() -> [u8; NONCE_LEN]> ChaChaCipher<N> {
    /// A cipher under `key`; `next_nonce` is asked once for each sealed message.
    #[must_use]
    pub fn new(key: &[u8; 32], next_nonce: N) -> Self {
        Self {
            aead: ChaCha20Poly1305::new(Key::from_slice(key)),
            next_nonce,
        }
    }
}

impl<N: Fn() -> [u8; NONCE_LEN]> Cipher for ChaChaCipher<N> {
    fn seal(&self, payload: &[u8], header: &[u8; 4]) -> Result<Vec<u8>, CipherError> {
        let nonce = (self.next_nonce)();
        let mut sealed = Vec::with_capacity(NONCE_LEN + payload.len() + TAG_LEN);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(payload);
        let tag = self
            .aead
            .encrypt_in_place_detached(Nonce::from_slice(&nonce), header, &mut sealed[NONCE_LEN..])
            .map_err(|_| CipherError)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    fn open(&self, sealed: &[u8], header: &[u8; 4]) -> Result<Vec<u8>, CipherError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(CipherError)?;
        let split = rest.len().checked_sub(TAG_LEN).ok_or(CipherError)?;
        let (ciphertext, tag) = rest.split_at(split);
        let mut payload = ciphertext.to_vec();
        self.aead
            .decrypt_in_place_detached(
                Nonce::from_slice(nonce),
                header,
                &mut payload,
                Tag::from_slice(tag),
            )
            .map_err(|_| CipherError)?;
        Ok(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher(key: u8) -> impl Cipher {
        ChaChaCipher::new(&[key; 32], || [9; NONCE_LEN])
    }

    #[test]
    fn sealed_form_is_nonce_ciphertext_tag() {
        let sealed = cipher(1).seal(b"abc", b"IA\x01\x02").unwrap();
        assert_eq!(sealed.len(), NONCE_LEN + 3 + TAG_LEN);
        assert_eq!(sealed[..NONCE_LEN], [9; NONCE_LEN]);
        assert_ne!(&sealed[NONCE_LEN..NONCE_LEN + 3], b"abc");
        assert_eq!(cipher(1).open(&sealed, b"IA\x01\x02").unwrap(), b"abc");
    }

    #[test]
    fn any_change_of_bytes_header_or_key_is_refused() {
        let sealed = cipher(1).seal(b"abc", b"IA\x01\x02").unwrap();
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert_eq!(cipher(1).open(&damaged, b"IA\x01\x02"), Err(CipherError));
        }
        assert_eq!(cipher(1).open(&sealed, b"IA\x01\x03"), Err(CipherError));
        assert_eq!(cipher(2).open(&sealed, b"IA\x01\x02"), Err(CipherError));
        for len in 0..NONCE_LEN + TAG_LEN {
            assert_eq!(
                cipher(1).open(&sealed[..len], b"IA\x01\x02"),
                Err(CipherError)
            );
        }
    }
}
