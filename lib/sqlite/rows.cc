#include "lib/sqlite/rows.h"

#include <chrono>

#include "chat21/document.h"
#include "chat21/paging.h"

namespace chat21::sqlite {

namespace {

// Outer joins: a conversation whose last message is missing, because it was removed or
// by damage, is still shown.
constexpr std::string_view kConversations =
    "SELECT v.conversation, v.is_new, v.archived, v.last_message, c.status,"
    " ifnull(c.own_body, m.body), v.last_time"
    " FROM conversations AS v"
    " LEFT JOIN copies AS c ON c.app = v.app AND c.timeline = v.timeline"
    "  AND c.conversation = v.conversation AND c.message_id = v.last_message"
    " LEFT JOIN messages AS m ON m.app = c.app AND m.message_id = c.message_id"
    " WHERE v.app = ?1 AND v.timeline = ?2";

}  // namespace

std::string select_conversation() {
  return std::string(kConversations) + " AND v.conversation = ?3";
}

std::string select_conversations() {
  return std::string(kConversations) +
         " AND v.archived = ?3 AND (v.last_time, v.last_message) < (?4, ?5)"
         " ORDER BY v.last_time DESC, v.last_message DESC LIMIT ?6";
}

// A walk over the rows of one timeline, which lie side by side. The plus keeps SQLite
// from the index by time, through which it would look up each row by itself.
std::string count_unread() {
  return "SELECT count(*) FROM conversations"
         " WHERE app = ?1 AND timeline = ?2 AND is_new = 1 AND +archived = 0";
}

std::string select_group() {
  return "SELECT body FROM groups WHERE app = ?1 AND id = ?2";
}

// A cross join keeps this order of tables: SQLite expects few groups in an app.
std::string select_groups() {
  return "SELECT g.id, g.body"
         " FROM group_members AS m INDEXED BY group_members_by_user"
         " CROSS JOIN groups AS g ON g.app = m.app AND g.id = m.group_id"
         " WHERE m.app = ?1 AND m.user = ?2 AND m.group_id > ?3"
         " ORDER BY m.group_id LIMIT ?4";
}

std::string select_messages(std::string_view order) {
  return "SELECT c.message_id, c.status, ifnull(c.own_body, m.body) FROM copies AS c"
         " LEFT JOIN messages AS m ON m.app = c.app AND m.message_id = c.message_id"
         " WHERE c.app = ?1 AND c.timeline = ?2 AND c.conversation = ?3"
         " AND c.message_id > ?4 AND c.message_id < ?5 ORDER BY c.message_id " +
         std::string(order) + " LIMIT ?6";
}

std::string select_sent() {
  return "SELECT body FROM messages INDEXED BY messages_by_client_message_id"
         " WHERE app = ?1 AND sender = ?2 AND client_message_id = ?3";
}

std::string select_body() {
  return "SELECT body FROM messages WHERE app = ?1 AND message_id = ?2";
}

std::string select_ledger() {
  return "SELECT text FROM ledger WHERE ledger = ?1 ORDER BY page";
}

std::string select_set_aside() {
  return "SELECT number, time, reason, routing_key, body FROM set_aside"
         " WHERE number > ?1 ORDER BY number LIMIT ?2";
}

// Left alone, SQLite prefers to read all instances of the app: it expects few.
std::string select_instances() {
  return "SELECT id, body FROM instances INDEXED BY instances_by_user"
         " WHERE app = ?1 AND user = ?2 LIMIT ?3";
}

std::string select_blocks() {
  return "SELECT blocked FROM blocks WHERE app = ?1 AND user = ?2 AND blocked > ?3"
         " ORDER BY blocked LIMIT ?4";
}

std::string select_block() {
  return "SELECT 1 FROM blocks WHERE app = ?1 AND user = ?2 AND blocked = ?3";
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

std::string conversation_cursor_of(const Run& row) {
  return to_string(ConversationCursor{.time = Time(std::chrono::milliseconds(row.number(6))),
                                      .message_id = row.text(3)});
}

}  // namespace chat21::sqlite
