// Carrying out each kind of Write; the guards of effects.h are in its SQL.
#pragma once

#include <string>

#include "chat21/effects.h"
#include "chat21/result.h"

#include "lib/sqlite/database.h"

namespace chat21::sqlite {

struct WriteStatements {
  Statement save_message, save_copy, save_last_message, raise_status, patch_conversation,
      save_group, remove_group, select_members, save_member, remove_member, remove_members,
      save_instance, remove_instance, remove_conversations, remove_bodies, remove_copies,
      save_block, remove_block, set_aside, save_ledger_page, remove_ledger_page;
};

// Of everybody's conversation ?2 in app ?1: the conversation, the shared bodies of
// which no copy would be left, the copies.
std::string remove_conversations_sql();
std::string remove_bodies_sql();
std::string remove_copies_sql();

Result<WriteStatements> prepare_writes(Database& database);

// Within a Transaction of the caller.
Result<> carry_out(const Write& write, WriteStatements& statements);

}  // namespace chat21::sqlite
