use crate::workspace::{ImportLimits, ImportRefusal, ImportedPosition};

/// Whoever can read files of positions.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait PositionReader: Send + Sync {
    /// Reads a whole file, or refuses it as a whole. It takes time in proportion to the file and never waits, so call it
    /// where a thread may be busy.
    ///
    /// # Errors
    /// [`ImportRefusal`], with every problem up to the limit.
    fn read(
        &self,
        file: &[u8],
        limits: ImportLimits,
    ) -> Result<Vec<ImportedPosition>, ImportRefusal>;
}
