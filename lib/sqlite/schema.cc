#include "lib/sqlite/schema.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace chat21::sqlite {

namespace {

// "c21o" in the header of the file, so that `file` and we can tell ours from others.
constexpr std::int64_t kApplicationId = 0x6332316f;

// A body is stored once; timelines and conversations are thin rows that point to
// it. Tables without rowid are clustered by their key: a page of history is one
// range of `copies`, in the order of the message ids.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE messages (
  app TEXT NOT NULL,
  message_id TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (app, message_id)
) WITHOUT ROWID;

CREATE TABLE copies (
  app TEXT NOT NULL,
  timeline TEXT NOT NULL,
  conversation TEXT NOT NULL,
  message_id TEXT NOT NULL,
  status INTEGER NOT NULL,
  own_body TEXT,
  PRIMARY KEY (app, timeline, conversation, message_id)
) WITHOUT ROWID;

CREATE TABLE conversations (
  app TEXT NOT NULL,
  timeline TEXT NOT NULL,
  conversation TEXT NOT NULL,
  last_message TEXT NOT NULL,
  last_time INTEGER NOT NULL,
  is_new INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  PRIMARY KEY (app, timeline, conversation)
) WITHOUT ROWID;

CREATE INDEX conversations_by_time ON conversations (app, timeline, archived, last_time);

CREATE TABLE groups (
  app TEXT NOT NULL,
  id TEXT NOT NULL,
  updated_on INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (app, id)
) WITHOUT ROWID;

CREATE TABLE instances (
  app TEXT NOT NULL,
  id TEXT NOT NULL,
  user TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (app, id)
) WITHOUT ROWID;

CREATE INDEX instances_by_user ON instances (app, user);
)sql";

// Who is a member of a group, as its body says: clustered by group to be brought up to
// date, by user in an index to be listed. Of groups that are there already, the last
// "members" counts, as for group_members(); a body that is damaged has none.
constexpr std::string_view kVersion2 = R"sql(
CREATE TABLE group_members (
  app TEXT NOT NULL,
  group_id TEXT NOT NULL,
  user TEXT NOT NULL,
  PRIMARY KEY (app, group_id, user)
) WITHOUT ROWID;

CREATE INDEX group_members_by_user ON group_members (app, user, group_id);

INSERT OR IGNORE INTO group_members (app, group_id, user)
SELECT groups.app, groups.id, member.key
FROM groups, json_each((
  SELECT CASE type WHEN 'object' THEN value END
  FROM json_each(CASE WHEN json_valid(groups.body) THEN groups.body END)
  WHERE key = 'members' ORDER BY id DESC LIMIT 1)) AS member;

CREATE TABLE blocks (
  app TEXT NOT NULL,
  user TEXT NOT NULL,
  blocked TEXT NOT NULL,
  PRIMARY KEY (app, user, blocked)
) WITHOUT ROWID;
)sql";

// By which a message that is sent again is recognized. New columns leave the rows alone; for
// the index they are walked once, some tenths of a second for a million, and it has none of
// them.
constexpr std::string_view kVersion3 = R"sql(
ALTER TABLE messages ADD COLUMN sender TEXT;
ALTER TABLE messages ADD COLUMN client_message_id TEXT;

CREATE UNIQUE INDEX messages_by_client_message_id
ON messages (app, sender, client_message_id) WHERE client_message_id IS NOT NULL;
)sql";

// The ledger of an Observer has a page for each of its last few batches. What is set aside
// is numbered for ever.
constexpr std::string_view kVersion4 = R"sql(
CREATE TABLE ledger (
  ledger TEXT NOT NULL,
  page INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (ledger, page)
) WITHOUT ROWID;

CREATE TABLE set_aside (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  reason TEXT NOT NULL,
  routing_key TEXT NOT NULL,
  body TEXT NOT NULL
);
)sql";

constexpr std::array kMigrations = {kVersion1, kVersion2, kVersion3, kVersion4};

std::string quoted(const Database& database) {
  return "'" + std::string(database.file()) + "'";
}

// The version of a file of ours; 0 for one that has nothing in it yet.
Result<std::size_t> version_of(Database& database) {
  constexpr std::string_view kPurpose = "read the schema version";
  Result<std::int64_t> application = database.number("PRAGMA application_id", kPurpose);
  if (!application) return application.error();
  Result<std::int64_t> objects = database.number("SELECT count(*) FROM sqlite_schema", kPurpose);
  if (!objects) return objects.error();
  Result<std::int64_t> version = database.number("PRAGMA user_version", kPurpose);
  if (!version) return version.error();
  if (*application == kApplicationId && *version > 0) return static_cast<std::size_t>(*version);
  if (*application == 0 && *objects == 0 && *version == 0) return std::size_t{0};
  return fail(Error::Code::Corrupt,
              "cannot use " + quoted(database) + ": it is a database of another program");
}

// As version_of(), and no newer than `known`.
Result<std::size_t> known_version(Database& database, std::size_t known) {
  Result<std::size_t> version = version_of(database);
  if (!version || *version <= known) return version;
  return fail(Error::Code::InvalidArgument,
              "cannot use " + quoted(database) + ": its schema is version " +
                  std::to_string(*version) + ", this program knows versions up to " +
                  std::to_string(known));
}

Result<> run(Database& database, std::span<const std::string_view> steps, std::size_t version) {
  Result<Transaction> transaction = Transaction::begin(database, Transaction::Kind::Write);
  if (!transaction) return transaction.error();
  for (; version < steps.size(); ++version) {
    Result<> done = database.execute(
        std::string(steps[version]) + ";PRAGMA application_id = " + std::to_string(kApplicationId) +
            ";PRAGMA user_version = " + std::to_string(version + 1),
        "bring the schema to version " + std::to_string(version + 1));
    if (!done) return done;
  }
  return transaction->commit();
}

}  // namespace

std::span<const std::string_view> migrations() {
  return kMigrations;
}

Result<> migrate(Database& database, std::span<const std::string_view> steps) {
  Result<std::size_t> version = known_version(database, steps.size());
  if (!version) return version.error();
  if (*version == steps.size()) return {};
  return run(database, steps, *version);
}

Result<> check_upgradable(Database& database, std::span<const std::string_view> steps) {
  Result<std::size_t> version = known_version(database, steps.size());
  if (!version) return version.error();
  return {};
}

Result<> check_schema(Database& database, std::span<const std::string_view> steps) {
  Result<std::size_t> version = known_version(database, steps.size());
  if (!version) return version.error();
  if (*version == steps.size()) return {};
  return fail(Error::Code::InvalidArgument,
              "cannot read " + quoted(database) + ": its schema is version " +
                  std::to_string(*version) + ", and only a Store may bring it to version " +
                  std::to_string(steps.size()));
}

}  // namespace chat21::sqlite
