//! The gRPC methods that a server has.

/// The methods of a gRPC server, each as `package.Service/Method`. An empty list allows any method.
#[derive(Clone, Debug)]
pub(crate) struct GrpcMethods(Box<[Box<str>]>);

impl GrpcMethods {
    pub(crate) fn new(methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let methods = methods.into_iter();
        Self(methods.map(|it| it.into().into_boxed_str()).collect())
    }

    /// There is no list: the answer to a call tells if its method exists.
    pub(crate) fn allows_any(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn lists(&self, method: &str) -> bool {
        self.0.iter().any(|listed| **listed == *method)
    }
}
