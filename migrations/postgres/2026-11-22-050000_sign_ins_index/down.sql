drop index sessions_signed_in;
