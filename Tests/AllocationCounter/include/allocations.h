// How often this process has asked its C library for memory, on whatever thread; -1 where that can't be known: under a
// sanitizer, which has an allocator of its own, and with other C libraries than glibc.
long strata_allocation_count(void);
