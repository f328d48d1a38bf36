//! One line of the file.

/// A value that a sensor reported at a time.
pub(crate) struct Reading<'a> {
    pub(crate) sensor: &'a str,
    /// `YYYY-MM-DDThh:mm:ssZ`; in this form the order of the text is the order of time.
    pub(crate) timestamp: &'a str,
    /// Finite.
    pub(crate) value: f64,
}

impl<'a> Reading<'a> {
    /// Reads a line, or says what is wrong with it.
    pub(crate) fn parse(line: &'a str) -> Result<Self, &'static str> {
        let mut fields = line.split(',').map(str::trim);
        let (Some(sensor), Some(timestamp), Some(value), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err("not three fields");
        };
        if sensor.is_empty() {
            return Err("no sensor");
        }
        if !is_timestamp(timestamp) {
            return Err("not a timestamp");
        }
        let value: f64 = value.parse().map_err(|_| "not a number")?;
        if !value.is_finite() {
            return Err("not a finite number");
        }
        Ok(Self {
            sensor,
            timestamp,
            value,
        })
    }
}

/// Whether `text` has the shape of a timestamp and its numbers are in range.
fn is_timestamp(text: &str) -> bool {
    const SHAPE: &[u8; 20] = b"0000-00-00T00:00:00Z";
    let has_shape = text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            _ => byte == *shape,
        });
    let in_range = |from: usize, range: core::ops::RangeInclusive<u8>| {
        text[from..from + 2]
            .parse()
            .is_ok_and(|number: u8| range.contains(&number))
    };
    has_shape
        && in_range(5, 1..=12)
        && in_range(8, 1..=31)
        && in_range(11, 0..=23)
        && in_range(14, 0..=59)
        && in_range(17, 0..=60)
}
