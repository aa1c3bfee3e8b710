// Preparing all statements of a class at once, from a table that says which
// member holds which SQL.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "chat21/result.h"

#include "lib/sqlite/database.h"

namespace chat21::sqlite {

template <class Statements>
struct Definition {
  Statement Statements::*member;
  std::string_view purpose;  // a literal, see Database::prepare
  std::string sql;
};

template <class Statements>
Result<Statements> prepare_all(Database& database,
                               std::span<const Definition<Statements>> definitions) {
  Statements statements;
  for (const auto& [member, purpose, sql] : definitions) {
    Result<Statement> statement = database.prepare(sql, purpose);
    if (!statement) return statement.error();
    statements.*member = *std::move(statement);
  }
  return statements;
}

}  // namespace chat21::sqlite
