//! An offline Clerk: keys, tokens, Backend API and signed webhooks.
