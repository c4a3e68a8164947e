//! Names of behaviors on the command line.

/// A behavior that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is none of {known}")]
pub struct UnknownConduct {
    /// What was given.
    pub found: String,
    /// What there is.
    pub known: String,
}

/// Implements `Display`, `FromStr` and `ALL` by a table of names.
macro_rules! named {
    ($conduct:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $conduct {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl std::fmt::Display for $conduct {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $conduct {
            type Err = $crate::UnknownConduct;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|conduct| conduct.name() == text).ok_or_else(|| {
                    let known = Self::ALL.iter().map(|conduct| conduct.name());
                    $crate::UnknownConduct {
                        found: text.into(),
                        known: known.collect::<Vec<_>>().join(", "),
                    }
                })
            }
        }
    };
}

pub(crate) use named;
