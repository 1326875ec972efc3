use crate::ClerkId;

/// Ends sessions at Clerk that have ended here, in the background.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait SignOuts: Send + Sync {
    /// Says that this session is over here and should be over at Clerk too. Returns at once, whatever comes of it: an
    /// adapter tries again where that may help, gives up in the end, and may drop the wish when it has too many. What is
    /// over here stays over either way.
    fn wanted(&self, clerk_session_id: &ClerkId);
}

/// Where Clerk cannot be asked: sessions end here alone.
#[derive(Debug, Clone, Copy)]
pub struct NoSignOuts;

impl SignOuts for NoSignOuts {
    fn wanted(&self, _: &ClerkId) {}
}
