// Every kind of Store that has to pass the contract suite.
#pragma once

#include <string>
#include <vector>

#include "tests/contract/store_contract.h"

namespace chat21::contract {

std::vector<SubjectKind> every_store();

inline std::string name_of(const ::testing::TestParamInfo<SubjectKind>& info) {
  return info.param.name;
}

}  // namespace chat21::contract
