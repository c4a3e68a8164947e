//! Protocol buffers as they come from strangers: fields are slices of the file, so that reading costs no
//! more memory than there are bytes. (A generated reader makes structs of hundreds of bytes of every
//! two bytes of an empty message.)

/// What is wrong with a message, in words that follow "damaged: ".
pub(crate) type Damage = &'static str;

/// A field's value as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// An integer or an enumeration.
    Varint(u64),
    /// Four bytes: a float.
    Four([u8; 4]),
    /// Eight bytes: a double.
    Eight([u8; 8]),
    /// A text, bytes, a message, or a packed list.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The bytes, where the field has bytes.
    pub(crate) fn bytes(self) -> Result<&'a [u8], Damage> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err("a field that is a message or a text has another type"),
        }
    }

    /// The text; what is no UTF-8 is replaced.
    pub(crate) fn text(self) -> Result<String, Damage> {
        Ok(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    /// The integer, where the field has one.
    pub(crate) fn integer(self) -> Result<u64, Damage> {
        match self {
            Self::Varint(integer) => Ok(integer),
            _ => Err("a field that is an integer has another type"),
        }
    }

    /// All integers of a repeated field, packed or one of them.
    pub(crate) fn integers(self) -> impl Iterator<Item = Result<u64, Damage>> {
        let (one, mut rest) = match self {
            Self::Varint(integer) => (Some(Ok(integer)), &[][..]),
            Self::Bytes(bytes) => (None, bytes),
            _ => (Some(Err("a field that is an integer has another type")), &[][..]),
        };
        let packed = std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let integer = varint(&mut rest);
            if integer.is_err() {
                rest = &[];
            }
            Some(integer)
        });
        one.into_iter().chain(packed)
    }
}

/// The fields of a message, in their order.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Those of these bytes.
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn read(&mut self) -> Result<(u64, Value<'a>), Damage> {
        let key = varint(&mut self.0)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut self.0)?),
            1 => Value::Eight(self.chunk()?),
            2 => {
                let length = varint(&mut self.0)?;
                let length = usize::try_from(length).map_err(|_| CUT_OFF)?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or(CUT_OFF)?;
                self.0 = rest;
                Value::Bytes(bytes)
            }
            5 => Value::Four(self.chunk()?),
            _ => return Err("a field of a kind that ONNX does not use"),
        };
        match key >> 3 {
            0 => Err("a field with the number 0"),
            number => Ok((number, value)),
        }
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (chunk, rest) = self.0.split_first_chunk::<N>().ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(*chunk)
    }
}

const CUT_OFF: Damage = "it is cut off";

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// Seven bits a byte, the lowest first.
fn varint(bytes: &mut &[u8]) -> Result<u64, Damage> {
    let mut integer = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(CUT_OFF)?;
        *bytes = rest;
        // Of a tenth byte, the bits beyond 64 are lost, as they are everywhere.
        integer |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(integer);
        }
    }
    Err("an integer of more than ten bytes")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use prost::Message;

    use super::*;
    use crate::proto;

    #[test]
    fn fields_are_what_prost_has_written() {
        let tensor = proto::Tensor {
            dims: vec![300, 2],
            data_type: 1,
            name: "x".to_owned(),
            raw_data: vec![7; 3],
        };
        let bytes = tensor.encode_to_vec();
        let fields: Vec<_> = Fields::of(&bytes).collect::<Result<_, _>>().unwrap();
        assert_eq!(
            fields,
            [
                (1, Value::Varint(300)),
                (1, Value::Varint(2)),
                (2, Value::Varint(1)),
                (8, Value::Bytes(b"x")),
                (9, Value::Bytes(&[7; 3])),
            ]
        );
        for end in 1..bytes.len() {
            let read: Result<Vec<_>, _> = Fields::of(&bytes[..end]).collect();
            assert!(read.is_err() || read.unwrap().len() < fields.len());
        }
    }

    #[test]
    fn integers_are_read_packed_and_alone_and_have_an_end() {
        let all = |value: Value<'_>| value.integers().collect::<Result<Vec<u64>, _>>();
        assert_eq!(all(Value::Bytes(&[1, 0xac, 2])).unwrap(), [1, 300]);
        assert_eq!(all(Value::Varint(9)).unwrap(), [9]);
        assert!(all(Value::Bytes(&[1, 0x80])).is_err());
        assert!(all(Value::Four([0; 4])).is_err());
        assert!(all(Value::Bytes(&[0xff; 11])).is_err());
        assert_eq!(
            all(Value::Bytes(&[0xff; 9].iter().copied().chain([1]).collect::<Vec<_>>())).unwrap(),
            [u64::MAX]
        );
    }

    #[test]
    fn lengths_beyond_the_bytes_and_unknown_kinds_are_refused() {
        for bytes in [
            &[0x0a, 5, 1][..],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x0b],
            &[0x02, 0],
            &[0x0d, 1],
            &[0x09, 1],
        ] {
            assert!(Fields::of(bytes).any(|field| field.is_err()), "{bytes:x?}");
        }
    }
}
