#include "lib/sqlite/writes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat21/document.h"

#include "lib/sqlite/prepare.h"

namespace chat21::sqlite {

namespace {

std::int64_t number(Status status) {
  return static_cast<std::int64_t>(status);
}

std::int64_t number(std::uint64_t page) {
  return static_cast<std::int64_t>(page);
}

std::optional<std::string_view> unless_empty(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return text;
}

std::optional<std::int64_t> number(std::optional<bool> flag) {
  if (!flag) return std::nullopt;
  return *flag ? 1 : 0;
}

using Ids = std::vector<std::string>;

// Those of `ids` that are not in `others`; all are sorted.
Ids without(const Ids& ids, const Ids& others) {
  Ids left;
  std::set_difference(ids.begin(), ids.end(), others.begin(), others.end(),
                      std::back_inserter(left));
  return left;
}

struct Writer {
  WriteStatements& statements;

  Result<> operator()(const SaveMessage& w) {
    return Run(statements.save_message, w.app, w.message_id, w.body, unless_empty(w.sender),
               unless_empty(w.client_message_id))
        .finish();
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
    Result<bool> saved = changes(statements.save_group, w.app, w.group, w.updated_on, w.body);
    if (!saved) return saved.error();
    return *saved ? save_members(w.app, w.group, group_members(w.body)) : Result<>();
  }
  Result<> operator()(const RemoveGroup& w) {
    Result<bool> removed = changes(statements.remove_group, w.app, w.group, w.updated_on);
    if (!removed) return removed.error();
    return *removed ? Run(statements.remove_members, w.app, w.group).finish() : Result<>();
  }
  Result<> operator()(const SaveInstance& w) {
    return Run(statements.save_instance, w.app, w.instance, w.user, w.body).finish();
  }
  Result<> operator()(const RemoveInstance& w) {
    return Run(statements.remove_instance, w.app, w.instance).finish();
  }
  Result<> operator()(const RemoveConversations& w) {
    return Run(statements.remove_conversations, w.app, w.conversation).finish();
  }
  // Bodies first: that a copy is left can be told only while the others are there.
  Result<> operator()(const RemoveMessages& w) {
    Result<> done = Run(statements.remove_bodies, w.app, w.conversation).finish();
    return done ? Run(statements.remove_copies, w.app, w.conversation).finish() : done;
  }
  Result<> operator()(const SaveBlock& w) {
    return Run(statements.save_block, w.app, w.user, w.blocked).finish();
  }
  Result<> operator()(const RemoveBlock& w) {
    return Run(statements.remove_block, w.app, w.user, w.blocked).finish();
  }
  Result<> operator()(const SetAside& w) {
    const std::int64_t time = w.time.time_since_epoch().count();
    return Run(statements.set_aside, time, w.reason, w.routing_key, w.body).finish();
  }
  Result<> operator()(const SaveLedgerPage& w) {
    return Run(statements.save_ledger_page, w.ledger, number(w.page), w.text).finish();
  }
  Result<> operator()(const RemoveLedgerPage& w) {
    return Run(statements.remove_ledger_page, w.ledger, number(w.page)).finish();
  }

 private:
  // Carries out a statement that gives a row if its guard let it change something, and
  // tells whether it did.
  template <class... Values>
  static Result<bool> changes(Statement& statement, const Values&... values) {
    Run run(statement, values...);
    Result<bool> changed = run.next();
    if (!changed || !*changed) return changed;
    if (Result<> done = run.finish(); !done) return done.error();
    return true;
  }

  Result<Ids> saved_members(std::string_view app, std::string_view group) {
    Ids members;
    Run run(statements.select_members, app, group);
    for (;;) {
      Result<bool> row = run.next();
      if (!row) return row.error();
      if (!*row) return members;
      members.emplace_back(run.text(0));
    }
  }

  // Writes only what is new or gone: of a large group that is a small part.
  Result<> save_members(std::string_view app, std::string_view group, const Ids& members) {
    Result<Ids> saved = saved_members(app, group);
    if (!saved) return saved.error();
    for (const std::string& user : without(*saved, members)) {
      Result<> done = Run(statements.remove_member, app, group, user).finish();
      if (!done) return done;
    }
    for (const std::string& user : without(members, *saved)) {
      Result<> done = Run(statements.save_member, app, group, user).finish();
      if (!done) return done;
    }
    return {};
  }
};

// The timelines of app ?1 that have rows in `table`, one search per timeline. An index
// by conversation would find fewer, but every message would pay for it; this is for
// removing everybody's conversations or messages, which is rare. It costs one search
// per user of the app, some microseconds each if they are in memory, and the Store does
// nothing else meanwhile.
std::string timelines_of(const std::string& table) {
  return "WITH RECURSIVE timelines (timeline) AS ("
         " SELECT (SELECT timeline FROM " +
         table +
         " WHERE app = ?1 ORDER BY timeline LIMIT 1)"
         " UNION ALL"
         " SELECT (SELECT next.timeline FROM " +
         table +
         " AS next WHERE next.app = ?1 AND next.timeline > timelines.timeline"
         "  ORDER BY next.timeline LIMIT 1)"
         " FROM timelines WHERE timelines.timeline IS NOT NULL) ";
}

}  // namespace

std::string remove_conversations_sql() {
  return timelines_of("conversations") +
         "DELETE FROM conversations WHERE app = ?1 AND conversation = ?2"
         " AND timeline IN (SELECT timeline FROM timelines)";
}

// A direct message has two copies: with the sender in the conversation with the
// recipient, and the other way round. All copies of a group's message are in the
// conversation with the group.
std::string remove_bodies_sql() {
  return timelines_of("copies") +
         "DELETE FROM messages WHERE app = ?1 AND message_id IN ("
         " SELECT c.message_id FROM timelines AS t"
         " CROSS JOIN copies AS c ON c.app = ?1 AND c.timeline = t.timeline"
         "  AND c.conversation = ?2"
         " WHERE c.timeline = ?2 OR NOT EXISTS (SELECT 1 FROM copies AS other"
         "  WHERE other.app = ?1 AND other.timeline = ?2 AND other.conversation = c.timeline"
         "  AND other.message_id = c.message_id))";
}

std::string remove_copies_sql() {
  return timelines_of("copies") +
         "DELETE FROM copies WHERE app = ?1 AND conversation = ?2"
         " AND timeline IN (SELECT timeline FROM timelines)";
}

Result<WriteStatements> prepare_writes(Database& database) {
  using D = Definition<WriteStatements>;
  const std::array definitions = {
      D{&WriteStatements::save_message, "save a message",
        "INSERT INTO messages (app, message_id, body, sender, client_message_id)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING"},
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
        " WHERE excluded.updated_on >= updated_on RETURNING 1"},
      D{&WriteStatements::remove_group, "remove a group",
        "DELETE FROM groups WHERE app = ?1 AND id = ?2 AND updated_on <= ?3 RETURNING 1"},
      D{&WriteStatements::select_members, "read the members of a group",
        "SELECT user FROM group_members WHERE app = ?1 AND group_id = ?2 ORDER BY user"},
      D{&WriteStatements::save_member, "save a member of a group",
        "INSERT INTO group_members (app, group_id, user) VALUES (?1, ?2, ?3)"},
      D{&WriteStatements::remove_member, "remove a member of a group",
        "DELETE FROM group_members WHERE app = ?1 AND group_id = ?2 AND user = ?3"},
      D{&WriteStatements::remove_members, "remove the members of a group",
        "DELETE FROM group_members WHERE app = ?1 AND group_id = ?2"},
      D{&WriteStatements::save_instance, "save a push instance",
        "INSERT INTO instances (app, id, user, body) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT DO UPDATE SET user = excluded.user, body = excluded.body"},
      D{&WriteStatements::remove_instance, "remove a push instance",
        "DELETE FROM instances WHERE app = ?1 AND id = ?2"},
      D{&WriteStatements::remove_conversations, "remove conversations", remove_conversations_sql()},
      D{&WriteStatements::remove_bodies, "remove messages", remove_bodies_sql()},
      D{&WriteStatements::remove_copies, "remove messages", remove_copies_sql()},
      D{&WriteStatements::save_block, "save a block",
        "INSERT INTO blocks (app, user, blocked) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"},
      D{&WriteStatements::remove_block, "remove a block",
        "DELETE FROM blocks WHERE app = ?1 AND user = ?2 AND blocked = ?3"},
      D{&WriteStatements::set_aside, "set a delivery aside",
        "INSERT INTO set_aside (time, reason, routing_key, body) VALUES (?1, ?2, ?3, ?4)"},
      D{&WriteStatements::save_ledger_page, "save a page of the ledger",
        "INSERT INTO ledger (ledger, page, text) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET text = excluded.text"},
      D{&WriteStatements::remove_ledger_page, "remove a page of the ledger",
        "DELETE FROM ledger WHERE ledger = ?1 AND page = ?2"},
  };
  return prepare_all<WriteStatements>(database, definitions);
}

Result<> carry_out(const Write& write, WriteStatements& statements) {
  return std::visit(Writer{statements}, write);
}

}  // namespace chat21::sqlite
