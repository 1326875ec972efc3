use clap::Args;

use super::{Failure, output};

#[derive(Debug, Args)]
pub(super) struct Openapi {}

impl Openapi {
    pub(super) fn run(self) -> Result<(), Failure> {
        output::line(api::openapi_json()?);
        Ok(())
    }
}
