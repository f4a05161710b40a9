// Empty on purpose: CMake wants one source in the targets that own the precompiled headers.
