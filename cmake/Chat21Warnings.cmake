# Linked PRIVATE by everything of ours, so that no warning flag reaches an
# embedder. Warnings become errors by preset, not here. Not -Wnull-dereference:
# g++ 12 sees null pointers where its optimiser has made them up.
add_library(chat21_warnings INTERFACE)
target_compile_options(chat21_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # It takes a source file that another one includes for a header.
  target_compile_options(chat21_warnings INTERFACE -Wno-subobject-linkage)
endif()
