#include "lib/sqlite/rows.h"

#include "chat21/document.h"

namespace chat21::sqlite {

namespace {

// Outer joins: a conversation whose last message is missing, which only damage or a
// careless caller can bring about, is still shown.
constexpr std::string_view kConversations =
    "SELECT v.conversation, v.is_new, v.archived, v.last_message, c.status,"
    " ifnull(c.own_body, m.body)"
    " FROM conversations AS v"
    " LEFT JOIN copies AS c ON c.app = v.app AND c.timeline = v.timeline"
    "  AND c.conversation = v.conversation AND c.message_id = v.last_message"
    " LEFT JOIN messages AS m ON m.app = v.app AND m.message_id = v.last_message"
    " WHERE v.app = ?1 AND v.timeline = ?2";

}  // namespace

std::string select_conversation() {
  return std::string(kConversations) + " AND v.conversation = ?3";
}

std::string select_conversations() {
  return std::string(kConversations) +
         " AND v.archived = ?3 ORDER BY v.last_time DESC, v.last_message DESC LIMIT ?4";
}

std::string select_group() {
  return "SELECT body FROM groups WHERE app = ?1 AND id = ?2";
}

std::string select_messages(std::string_view order) {
  return "SELECT c.message_id, c.status, ifnull(c.own_body, m.body) FROM copies AS c"
         " LEFT JOIN messages AS m ON m.app = c.app AND m.message_id = c.message_id"
         " WHERE c.app = ?1 AND c.timeline = ?2 AND c.conversation = ?3"
         " AND c.message_id > ?4 AND c.message_id < ?5 ORDER BY c.message_id " +
         std::string(order) + " LIMIT ?6";
}

// Left alone, SQLite prefers to read all instances of the app: it expects few.
std::string select_instances() {
  return "SELECT id, body FROM instances INDEXED BY instances_by_user"
         " WHERE app = ?1 AND user = ?2";
}

std::string conversation_of(const Run& row, std::string_view app, std::string_view timeline) {
  StoredConversation conversation;
  conversation.last = {.app = app,
                       .timeline = timeline,
                       .conversation = row.text(0),
                       .message_id = row.text(3),
                       .status = Status::Sent,
                       .body = row.text(5)};
  if (!row.is_null(4)) conversation.last.status = static_cast<Status>(row.number(4));
  conversation.is_new = row.number(1) != 0;
  conversation.archived = row.number(2) != 0;
  return conversation_document(conversation);
}

}  // namespace chat21::sqlite
