// Carrying out each kind of Write; the guards of effects.h are in its SQL.
#pragma once

#include "chat21/effects.h"
#include "chat21/result.h"

#include "lib/sqlite/database.h"

namespace chat21::sqlite {

struct WriteStatements {
  Statement save_message, save_copy, save_last_message, raise_status, patch_conversation,
      save_group, save_instance, remove_instance;
};

Result<WriteStatements> prepare_writes(Database& database);

// Within a Transaction of the caller.
Result<> carry_out(const Write& write, WriteStatements& statements);

}  // namespace chat21::sqlite
