//! ProtoJSON: as serde_json writes it, but doubles that are no finite numbers are the strings of the mapping.
//!
//! <https://protobuf.dev/programming-guides/json/>

use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

/// The message as ProtoJSON.
pub(crate) fn to_vec(message: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    message.serialize(ProtoJson(&mut serde_json::Serializer::new(&mut bytes)))?;
    Ok(bytes)
}

/// The name of a double that JSON has no number for.
fn name(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// Passes everything on but doubles, at any depth.
struct ProtoJson<S>(S);

/// A value whose doubles are to be written this way.
struct Within<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Serialize for Within<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(ProtoJson(serializer))
    }
}

/// Methods that pass a plain value on.
macro_rules! pass {
    ($($method:ident($($argument:ident: $type:ty),*) $(-> $compound:ident)?;)*) => {
        $(pass!(@one $method($($argument: $type),*) $($compound)?);)*
    };
    (@one $method:ident($($argument:ident: $type:ty),*)) => {
        fn $method(self, $($argument: $type),*) -> Result<S::Ok, S::Error> {
            self.0.$method($($argument),*)
        }
    };
    (@one $method:ident($($argument:ident: $type:ty),*) $compound:ident) => {
        fn $method(self, $($argument: $type),*) -> Result<Self::$compound, S::Error> {
            self.0.$method($($argument),*).map(ProtoJson)
        }
    };
}

impl<S: Serializer> Serializer for ProtoJson<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = ProtoJson<S::SerializeSeq>;
    type SerializeTuple = ProtoJson<S::SerializeTuple>;
    type SerializeTupleStruct = ProtoJson<S::SerializeTupleStruct>;
    type SerializeTupleVariant = ProtoJson<S::SerializeTupleVariant>;
    type SerializeMap = ProtoJson<S::SerializeMap>;
    type SerializeStruct = ProtoJson<S::SerializeStruct>;
    type SerializeStructVariant = ProtoJson<S::SerializeStructVariant>;

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        match name(value) {
            Some(name) => self.0.serialize_str(name),
            None => self.0.serialize_f64(value),
        }
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Within(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Within(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        (self.0).serialize_newtype_variant(name, index, variant, &Within(value))
    }

    pass! {
        serialize_bool(value: bool);
        serialize_i8(value: i8);
        serialize_i16(value: i16);
        serialize_i32(value: i32);
        serialize_i64(value: i64);
        serialize_u8(value: u8);
        serialize_u16(value: u16);
        serialize_u32(value: u32);
        serialize_u64(value: u64);
        serialize_char(value: char);
        serialize_str(value: &str);
        serialize_bytes(value: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
        serialize_seq(length: Option<usize>) -> SerializeSeq;
        serialize_tuple(length: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> SerializeTupleVariant;
        serialize_map(length: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> SerializeStructVariant;
    }
}

/// Parts of a compound value, each of which may hold doubles.
macro_rules! compound {
    ($($trait:ident { $($method:ident($($key:ident)?))* })*) => {
        $(impl<S: $trait> $trait for ProtoJson<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            $(compound!(@part $method $($key)?);)*

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        })*
    };
    (@part $method:ident) => {
        fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
            self.0.$method(&Within(value))
        }
    };
    (@part $method:ident $key:ident) => {
        fn $method<T: Serialize + ?Sized>(&mut self, $key: &'static str, value: &T) -> Result<(), S::Error> {
            self.0.$method($key, &Within(value))
        }
    };
}

compound! {
    SerializeSeq { serialize_element() }
    SerializeTuple { serialize_element() }
    SerializeTupleStruct { serialize_field() }
    SerializeTupleVariant { serialize_field() }
    SerializeMap { serialize_key() serialize_value() }
    SerializeStruct { serialize_field(name) }
    SerializeStructVariant { serialize_field(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize)]
    enum Kinds {
        Newtype(f64),
        Tuple(f64, f64),
        Struct { double: f64 },
        Unit,
    }

    #[derive(serde::Serialize)]
    struct All {
        double: f64,
        single: f32,
        some: Option<f64>,
        list: Vec<f64>,
        pair: (f64, i32),
        map: std::collections::BTreeMap<&'static str, f64>,
        kinds: Vec<Kinds>,
    }

    #[test]
    fn doubles_without_a_number_in_json_are_strings_wherever_they_stand() {
        let all = |double: f64| All {
            double,
            single: double as f32,
            some: Some(double),
            list: vec![double, 0.5],
            pair: (double, 1),
            map: [("key", double)].into(),
            kinds: vec![
                Kinds::Newtype(double),
                Kinds::Tuple(double, double),
                Kinds::Struct { double },
                Kinds::Unit,
            ],
        };
        for (double, text) in [
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            let json = String::from_utf8(to_vec(&all(double)).unwrap()).unwrap();
            assert_eq!(
                json,
                r#"{"double":"N","single":"N","some":"N","list":["N",0.5],"pair":["N",1],"map":{"key":"N"},"kinds":[{"Newtype":"N"},{"Tuple":["N","N"]},{"Struct":{"double":"N"}},"Unit"]}"#
                    .replace("\"N\"", &format!("{text:?}"))
            );
        }
        let finite = all(0.25);
        assert_eq!(
            to_vec(&finite).unwrap(),
            serde_json::to_vec(&finite).unwrap()
        );
    }
}
