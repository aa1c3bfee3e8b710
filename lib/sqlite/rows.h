// The SQL that both the Store and the History read with, and the documents that
// its rows become.
#pragma once

#include <string>
#include <string_view>

#include "lib/sqlite/database.h"

namespace chat21::sqlite {

// Of one conversation: ?1 app, ?2 timeline, ?3 conversation.
std::string select_conversation();

// Of many, the latest first: ?1 app, ?2 timeline, ?3 archived, ?4 and ?5 time and id of
// the last message before which to begin, ?6 limit.
std::string select_conversations();

// ?1 app, ?2 timeline. The only column is how many are new and not archived.
std::string count_unread();

// Of one group: ?1 app, ?2 group. The only column is its body.
std::string select_group();

// ?1 app, ?2 user, ?3 the group after which to begin, ?4 limit. Columns: group, body.
std::string select_groups();

// ?1 app, ?2 timeline, ?3 conversation, ?4 after, ?5 before, ?6 limit; `order` is
// ASC or DESC. Columns: message id, status, body.
std::string select_messages(std::string_view order);

// ?1 app, ?2 sender, ?3 client message id. The only column is the body.
std::string select_sent();

// ?1 app, ?2 message id. The only column is the body.
std::string select_body();

// ?1 name. A row for each page; the only column is its text.
std::string select_ledger();

// ?1 number after which to begin, ?2 limit. Columns: number, time, reason, routing key, body.
std::string select_set_aside();

// ?1 app, ?2 user, ?3 limit. Columns: instance, body.
std::string select_instances();

// ?1 app, ?2 user, ?3 after whom to begin, ?4 limit. The only column is who is blocked.
std::string select_blocks();

// ?1 app, ?2 user, ?3 other. A row if the other is blocked.
std::string select_block();

// The current row of one of the first two, as a document.
std::string conversation_of(const Run& row, std::string_view app, std::string_view timeline);

// Where the current row of select_conversations() stands in the list.
std::string conversation_cursor_of(const Run& row);

}  // namespace chat21::sqlite
