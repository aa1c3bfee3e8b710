# Linked PRIVATE by everything of ours, so that no warning flag reaches an
# embedder. Warnings become errors by preset, not here.
add_library(chat21_warnings INTERFACE)
target_compile_options(chat21_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wimplicit-fallthrough)
