// The SQL that both the Store and the History read with, and the documents that
// its rows become.
#pragma once

#include <string>
#include <string_view>

#include "lib/sqlite/database.h"

namespace chat21::sqlite {

// Of one conversation: ?1 app, ?2 timeline, ?3 conversation.
std::string select_conversation();

// Of many, the latest first: ?1 app, ?2 timeline, ?3 archived, ?4 limit.
std::string select_conversations();

// Of one group: ?1 app, ?2 group. The only column is its body.
std::string select_group();

// ?1 app, ?2 timeline, ?3 conversation, ?4 after, ?5 before, ?6 limit; `order` is
// ASC or DESC. Columns: message id, status, body.
std::string select_messages(std::string_view order);

// ?1 app, ?2 user. Columns: instance, body.
std::string select_instances();

// The current row of one of the first two, as a document.
std::string conversation_of(const Run& row, std::string_view app, std::string_view timeline);

}  // namespace chat21::sqlite
