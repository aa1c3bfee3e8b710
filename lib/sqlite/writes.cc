#include "lib/sqlite/writes.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "lib/sqlite/prepare.h"

namespace chat21::sqlite {

namespace {

std::int64_t number(Status status) {
  return static_cast<std::int64_t>(status);
}

std::optional<std::string_view> unless_empty(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return text;
}

std::optional<std::int64_t> number(std::optional<bool> flag) {
  if (!flag) return std::nullopt;
  return *flag ? 1 : 0;
}

struct Writer {
  WriteStatements& statements;

  Result<> operator()(const SaveMessage& w) {
    return Run(statements.save_message, w.app, w.message_id, w.body).finish();
  }
  Result<> operator()(const SaveCopy& w) {
    return Run(statements.save_copy, w.app, w.timeline, w.conversation, w.message_id,
               number(w.status), unless_empty(w.own_body))
        .finish();
  }
  Result<> operator()(const SaveLastMessage& w) {
    const std::int64_t time = w.time.time_since_epoch().count();
    return Run(statements.save_last_message, w.app, w.timeline, w.conversation, w.message_id, time)
        .finish();
  }
  Result<> operator()(const RaiseStatus& w) {
    return Run(statements.raise_status, w.app, w.timeline, w.conversation, w.message_id,
               number(w.status))
        .finish();
  }
  Result<> operator()(const PatchConversation& w) {
    return Run(statements.patch_conversation, w.app, w.timeline, w.conversation, number(w.is_new),
               number(w.archived))
        .finish();
  }
  Result<> operator()(const SaveGroup& w) {
    return Run(statements.save_group, w.app, w.group, w.updated_on, w.body).finish();
  }
  Result<> operator()(const SaveInstance& w) {
    return Run(statements.save_instance, w.app, w.instance, w.user, w.body).finish();
  }
  Result<> operator()(const RemoveInstance& w) {
    return Run(statements.remove_instance, w.app, w.instance).finish();
  }
  template <class NotYet>
  Result<> operator()(const NotYet&) {
    return fail(Error::Code::Internal, "not yet");
  }
};

}  // namespace

Result<WriteStatements> prepare_writes(Database& database) {
  using D = Definition<WriteStatements>;
  const std::array definitions = {
      D{&WriteStatements::save_message, "save a message",
        "INSERT INTO messages (app, message_id, body) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO NOTHING"},
      // The first copy decides which body is shown: a message that was delivered live
      // gets no marks of a later replay.
      D{&WriteStatements::save_copy, "save a copy of a message",
        "INSERT INTO copies (app, timeline, conversation, message_id, status, own_body)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        " ON CONFLICT DO UPDATE SET status = excluded.status WHERE excluded.status > status"},
      // Ids break ties of time: two messages taken in one millisecond have an order.
      D{&WriteStatements::save_last_message, "save the last message of a conversation",
        "INSERT INTO conversations"
        " (app, timeline, conversation, last_message, last_time, is_new, archived)"
        " VALUES (?1, ?2, ?3, ?4, ?5, 1, 0)"
        " ON CONFLICT DO UPDATE SET is_new = 1, archived = 0,"
        " last_message = CASE"
        "  WHEN (excluded.last_time, excluded.last_message) >= (last_time, last_message)"
        "  THEN excluded.last_message ELSE last_message END,"
        " last_time = max(last_time, excluded.last_time)"},
      D{&WriteStatements::raise_status, "raise a status",
        "UPDATE copies SET status = ?5"
        " WHERE app = ?1 AND timeline = ?2 AND conversation = ?3 AND message_id = ?4"
        " AND status < ?5"},
      D{&WriteStatements::patch_conversation, "change a conversation",
        "UPDATE conversations SET is_new = ifnull(?4, is_new), archived = ifnull(?5, archived)"
        " WHERE app = ?1 AND timeline = ?2 AND conversation = ?3"},
      D{&WriteStatements::save_group, "save a group",
        "INSERT INTO groups (app, id, updated_on, body) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT DO UPDATE SET updated_on = excluded.updated_on, body = excluded.body"
        " WHERE excluded.updated_on >= updated_on"},
      D{&WriteStatements::save_instance, "save a push instance",
        "INSERT INTO instances (app, id, user, body) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT DO UPDATE SET user = excluded.user, body = excluded.body"},
      D{&WriteStatements::remove_instance, "remove a push instance",
        "DELETE FROM instances WHERE app = ?1 AND id = ?2"},
  };
  return prepare_all<WriteStatements>(database, definitions);
}

Result<> carry_out(const Write& write, WriteStatements& statements) {
  return std::visit(Writer{statements}, write);
}

}  // namespace chat21::sqlite
