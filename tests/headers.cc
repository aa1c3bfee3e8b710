// Empty: the target exists for its precompiled headers.
