//! Attributes of a measurement: constant keys, typed values, no allocation.

/// The value of an attribute, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttributeValue<'a> {
    /// Text.
    Str(&'a str),
    /// An integer.
    Int(i64),
    /// Truth.
    Bool(bool),
}

/// A type whose values can be the value of an attribute. Implement it for your enums, by their names.
pub trait ToAttributeValue {
    /// The value.
    fn to_value(&self) -> AttributeValue<'_>;
}

impl<T: ToAttributeValue + ?Sized> ToAttributeValue for &T {
    fn to_value(&self) -> AttributeValue<'_> {
        (**self).to_value()
    }
}

impl ToAttributeValue for str {
    fn to_value(&self) -> AttributeValue<'_> {
        AttributeValue::Str(self)
    }
}

impl ToAttributeValue for String {
    fn to_value(&self) -> AttributeValue<'_> {
        AttributeValue::Str(self)
    }
}

impl ToAttributeValue for bool {
    fn to_value(&self) -> AttributeValue<'_> {
        AttributeValue::Bool(*self)
    }
}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl ToAttributeValue for $ty {
            fn to_value(&self) -> AttributeValue<'_> {
                AttributeValue::Int(i64::from(*self))
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32);

/// The attributes of a measurement: `()`, one pair of key and value, an array of pairs, or, for values of different
/// types, a tuple of up to four pairs. Keys in the same order each time are found fastest and counted once.
pub trait Attributes {
    /// Hands them over as a slice.
    fn with<R>(&self, take: impl FnOnce(&[(&'static str, AttributeValue<'_>)]) -> R) -> R;
}

impl Attributes for () {
    fn with<R>(&self, take: impl FnOnce(&[(&'static str, AttributeValue<'_>)]) -> R) -> R {
        take(&[])
    }
}

impl<V: ToAttributeValue> Attributes for (&'static str, V) {
    fn with<R>(&self, take: impl FnOnce(&[(&'static str, AttributeValue<'_>)]) -> R) -> R {
        take(&[(self.0, self.1.to_value())])
    }
}

impl<V: ToAttributeValue, const N: usize> Attributes for [(&'static str, V); N] {
    fn with<R>(&self, take: impl FnOnce(&[(&'static str, AttributeValue<'_>)]) -> R) -> R {
        take(&self.each_ref().map(|(key, value)| (*key, value.to_value())))
    }
}

macro_rules! tuples {
    ($(($($value:ident $i:tt),*))*) => {$(
        impl<$($value: ToAttributeValue),*> Attributes for ($((&'static str, $value),)*) {
            fn with<R>(&self, take: impl FnOnce(&[(&'static str, AttributeValue<'_>)]) -> R) -> R {
                take(&[$((self.$i.0, self.$i.1.to_value())),*])
            }
        }
    )*};
}

tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
}

/// A number that a histogram or gauge takes. Integers beyond 2^53 lose their last digits.
pub trait Number {
    /// As it is stored.
    fn to_f64(self) -> f64;
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    )*};
}

numbers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64);

/// In seconds.
impl Number for std::time::Duration {
    fn to_f64(self) -> f64 {
        self.as_secs_f64()
    }
}
