//! What is done with a row, by whichever program.

use std::error::Error;
use std::io::{self, Write};

/// Fields of a row.
const FIELDS: usize = 8;

/// The header of what is written.
pub(crate) const HEADER: &[u8] = b"id,name,email,city,segment,orders,value,since,class\n";

/// Writes the row again with its name in capitals, and with a class by its value, which must be a number.
#[inline]
pub(crate) fn encode<'f>(
    fields: impl Iterator<Item = &'f [u8]>,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut row = [&[][..]; FIELDS];
    let mut found = 0;
    for field in fields {
        *row.get_mut(found).ok_or("a row has too many fields")? = field;
        found += 1;
    }
    if found < FIELDS {
        return Err("a row has too few fields".into());
    }
    let [id, name, email, city, segment, orders, value, since] = row;
    let class = match str::from_utf8(value)?.parse::<f64>()? {
        value if value >= 10_000.0 => b",A\n",
        value if value >= 1_000.0 => b",B\n",
        _ => b",C\n",
    };
    out.write_all(id)?;
    out.write_all(b",")?;
    write_capitals(name, out)?;
    for field in [email, city, segment, orders, value, since] {
        out.write_all(b",")?;
        out.write_all(field)?;
    }
    out.write_all(class)?;
    Ok(())
}

/// A text in capitals, in quotes where it needs them. The other columns never do.
#[inline]
fn write_capitals(text: &[u8], out: &mut impl Write) -> io::Result<()> {
    if text
        .iter()
        .any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r'))
    {
        return write_quoted(text, out);
    }
    let mut memory = [0; 64];
    for part in text.chunks(memory.len()) {
        let capitals = &mut memory[..part.len()];
        capitals.copy_from_slice(part);
        capitals.make_ascii_uppercase();
        out.write_all(capitals)?;
    }
    Ok(())
}

#[cold]
fn write_quoted(text: &[u8], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    for byte in text {
        if *byte == b'"' {
            out.write_all(b"\"")?;
        }
        out.write_all(&[byte.to_ascii_uppercase()])?;
    }
    out.write_all(b"\"")
}
