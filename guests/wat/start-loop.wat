;; A start function that does not end.
(module
  (func $start (loop $forever (br $forever)))
  (start $start))
