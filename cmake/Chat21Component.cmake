# chat21_component(<name> SOURCES ... HEADERS ... [PUBLIC ...] [PRIVATE ...])
#
# One installable library. Outside it is chat21observer::<name>; the real target
# has a prefix because target names are global in a build that embeds us. HEADERS
# are relative to include/.
function(chat21_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE")
  set(target chat21observer_${name})
  string(REPLACE "-core" "" output chat21observer-${name}) # libchat21observer, ...-sqlite
  list(TRANSFORM arg_HEADERS PREPEND ${PROJECT_SOURCE_DIR}/include/)
  add_library(${target} ${arg_SOURCES})
  add_library(chat21observer::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS
    BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${arg_HEADERS})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target}
    PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:chat21_warnings>)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name}
    OUTPUT_NAME ${output}
    CXX_EXTENSIONS OFF
    POSITION_INDEPENDENT_CODE ON
    VERIFY_INTERFACE_HEADER_SETS ON
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}) # until 1.0 a minor may break
  install(TARGETS ${target} EXPORT chat21observer-${name} FILE_SET HEADERS)
  install(EXPORT chat21observer-${name} NAMESPACE chat21observer::
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/chat21observer)
endfunction()
