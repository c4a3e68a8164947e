//! What subxt generates from the metadata. Types that our crates define are replaced by themselves, so nobody meets a twin.

// Generated: its style is subxt's, and most of it is other pallets'.
#![allow(clippy::all, dead_code, missing_docs, unused_imports, non_camel_case_types)]

#[subxt::subxt(
    runtime_metadata_path = "metadata.scale",
    derive_for_all_types = "Clone",
    substitute_type(
        path = "decentralml_types::gold::Label",
        with = "::subxt::utils::Static<::decentralml_types::Label>"
    ),
    substitute_type(
        path = "decentralml_types::Role",
        with = "::subxt::utils::Static<::decentralml_types::Role>"
    ),
    substitute_type(
        path = "decentralml_types::cid::Cid",
        with = "::subxt::utils::Static<::decentralml_types::Cid>"
    ),
    substitute_type(
        path = "decentralml_types::opinion::Opinion",
        with = "::subxt::utils::Static<::decentralml_types::Opinion>"
    ),
    substitute_type(
        path = "decentralml_types::parameters::Parameters",
        with = "::subxt::utils::Static<::decentralml_types::Parameters>"
    ),
    substitute_type(
        path = "decentralml_types::parameters::Penalties",
        with = "::subxt::utils::Static<::decentralml_types::Penalties>"
    ),
    substitute_type(
        path = "decentralml_types::parameters::Penalty",
        with = "::subxt::utils::Static<::decentralml_types::Penalty>"
    ),
    substitute_type(
        path = "decentralml_types::phase::Failure",
        with = "::subxt::utils::Static<::decentralml_types::Failure>"
    ),
    substitute_type(
        path = "decentralml_types::phase::Phase",
        with = "::subxt::utils::Static<::decentralml_types::Phase>"
    ),
    substitute_type(
        path = "decentralml_types::phase::TaskStatus",
        with = "::subxt::utils::Static<::decentralml_types::TaskStatus>"
    ),
    substitute_type(
        path = "decentralml_types::spec::Asset",
        with = "::subxt::utils::Static<::decentralml_types::Asset>"
    ),
    substitute_type(
        path = "decentralml_types::spec::TaskSpec",
        with = "::subxt::utils::Static<::decentralml_types::TaskSpec>"
    ),
    substitute_type(
        path = "decentralml_types::reputation::Record",
        with = "::subxt::utils::Static<::decentralml_types::reputation::Record>"
    ),
    substitute_type(
        path = "decentralml_types::verdict::Fault",
        with = "::subxt::utils::Static<::decentralml_types::Fault>"
    ),
    substitute_type(
        path = "decentralml_types::verdict::Outcome",
        with = "::subxt::utils::Static<::decentralml_types::Outcome>"
    )
)]
mod generated {}

pub use generated::*;
