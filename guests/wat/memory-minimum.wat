;; Begins with 2 GiB of memory.
(module (memory (export "memory") 32768))
