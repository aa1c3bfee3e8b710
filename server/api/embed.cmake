# cmake -DINPUT=docs/openapi.yaml -DOUTPUT=openapi.cc -P embed.cmake
file(READ "${INPUT}" text)
file(WRITE "${OUTPUT}" "#include \"server/api/openapi.h\"

namespace chat21::server {

std::string_view openapi_yaml() {
  return R\"openapi_yaml(${text})openapi_yaml\";
}

}  // namespace chat21::server
")
