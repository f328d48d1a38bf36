//! @mtcute/wasm: libdeflate, SHA-256 and AES-IGE, compiled from C.

use anyhow::{Result, ensure};

use super::{Program, Random, Run, Task, allocate, call, digest, from_package, place};
use crate::engine::Machine;

const FILE: &str = "@mtcute/wasm/mtcute.wasm";
const ALLOCATOR: &str = "__malloc";
const LEVEL: u32 = 6;
const LENGTH: usize = 256 * 1024;
/// Room that deflate may need beyond its input.
const MARGIN: usize = 1024;
/// A zlib stream is 2 bytes, a deflate stream, and 4 bytes; a gzip stream is 10 bytes, the same, and 8 bytes.
const ZLIB: (usize, usize) = (2, 4);
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

pub(super) fn all() -> Result<Vec<Program>> {
    Ok(vec![
        from_package("deflate", FILE, Compress)?,
        from_package("inflate", FILE, Decompress)?,
        from_package("sha256 (npm)", FILE, Hash)?,
        from_package("aes-ige", FILE, Encrypt)?,
    ])
}

/// Text that compresses like log lines do.
fn text() -> Vec<u8> {
    let words = [
        "sensor",
        "reading",
        "accepted",
        "rejected",
        "temperature",
        "humidity",
        "valve",
        "open",
        "closed",
        "retry",
    ];
    let mut random = Random(7);
    let mut text = Vec::with_capacity(LENGTH + 64);
    while text.len() < LENGTH {
        let number = random.next();
        text.extend_from_slice(words[(number % 10) as usize].as_bytes());
        text.extend_from_slice(format!(" {}\n", number >> 20).as_bytes());
    }
    text.truncate(LENGTH);
    text
}

/// A compressed copy of `input` in the instance: address and length.
fn compress(machine: &mut dyn Machine, compressor: u32, input: u32, output: u32) -> Result<u32> {
    let room = (LENGTH + MARGIN) as u32;
    let arguments = [compressor, input, LENGTH as u32, output, room];
    let written = call(machine, "libdeflate_zlib_compress", &arguments)?;
    ensure!(written != 0, "the output does not fit");
    Ok(written)
}

struct Compress;

impl Task for Compress {
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run> {
        let input = place(machine, ALLOCATOR, &text())?;
        let output = allocate(machine, ALLOCATOR, LENGTH + MARGIN)?;
        let compressor = call(machine, "libdeflate_alloc_compressor", &[LEVEL])?;
        Ok(Box::new(move |machine| {
            let written = compress(machine, compressor, input, output)?;
            Ok(digest(&machine.read(output, written)?))
        }))
    }
}

struct Decompress;

impl Task for Decompress {
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run> {
        let text = text();
        let input = place(machine, ALLOCATOR, &text)?;
        let output = allocate(machine, ALLOCATOR, LENGTH + MARGIN)?;
        let compressor = call(machine, "libdeflate_alloc_compressor", &[LEVEL])?;
        let written = compress(machine, compressor, input, output)?;
        let gzip = gzip_of(&machine.read(output, written)?, &text);
        let packed = place(machine, ALLOCATOR, &gzip)?;
        let decompressor = call(machine, "libdeflate_alloc_decompressor", &[])?;
        let arguments = [decompressor, packed, gzip.len() as u32, output, LENGTH as u32];
        Ok(Box::new(move |machine| {
            let status = call(machine, "libdeflate_gzip_decompress", &arguments)?;
            ensure!(status == 0, "status {}", status as i32);
            Ok(digest(&machine.read(output, 4096)?))
        }))
    }
}

/// The gzip form of a zlib stream of `text`.
fn gzip_of(zlib: &[u8], text: &[u8]) -> Vec<u8> {
    let deflated = &zlib[ZLIB.0..zlib.len() - ZLIB.1];
    let mut gzip = GZIP_HEADER.to_vec();
    gzip.extend_from_slice(deflated);
    gzip.extend_from_slice(&crc32(text).to_le_bytes());
    gzip.extend_from_slice(&(text.len() as u32).to_le_bytes());
    gzip
}

/// CRC-32/ISO-HDLC, bit by bit: it runs once.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

struct Hash;

impl Task for Hash {
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run> {
        let input = place(machine, ALLOCATOR, &text())?;
        let output = call(machine, "__get_shared_out", &[])?;
        Ok(Box::new(move |machine| {
            call(machine, "sha256", &[input, LENGTH as u32])?;
            Ok(digest(&machine.read(output, 32)?))
        }))
    }
}

struct Encrypt;

impl Task for Encrypt {
    fn set_up(&self, machine: &mut dyn Machine) -> Result<Run> {
        let input = place(machine, ALLOCATOR, &text())?;
        let output = allocate(machine, ALLOCATOR, LENGTH)?;
        for (buffer, len) in [("__get_shared_key_buffer", 32), ("__get_shared_iv_buffer", 32)] {
            let ptr = call(machine, buffer, &[])?;
            machine.write(ptr, &vec![0x5a; len])?;
        }
        Ok(Box::new(move |machine| {
            call(machine, "ige256_encrypt", &[input, LENGTH as u32, output])?;
            Ok(digest(&machine.read(output, 4096)?))
        }))
    }
}
