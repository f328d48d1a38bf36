//! A picture to code and decode: smooth surfaces, edges and noise, as pictures have.

use super::Random;

pub(super) const WIDTH: u32 = 192;
pub(super) const HEIGHT: u32 = 128;

/// Red, green, blue and opacity of each pixel.
pub(super) fn rgba() -> Vec<u8> {
    pixels()
        .flat_map(|(red, green, blue)| [red, green, blue, 255])
        .collect()
}

/// One byte a pixel.
pub(super) fn gray() -> Vec<u8> {
    pixels().map(|(red, ..)| red & 0xf0).collect()
}

fn pixels() -> impl Iterator<Item = (u8, u8, u8)> {
    let mut random = Random(11);
    (0..WIDTH * HEIGHT).map(move |index| {
        let (x, y) = (index % WIDTH, index / WIDTH);
        let noise = random.next() % 5;
        let disc = (x.abs_diff(96).pow(2) + y.abs_diff(64).pow(2)) < 1_600;
        let base = if disc { 200 } else { x };
        ((base + noise) as u8, (y + noise) as u8, ((x * y) >> 7) as u8)
    })
}
