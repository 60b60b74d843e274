#include "eventlens/storage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace eventlens {
namespace {

namespace fs = std::filesystem;

// A folder that dies with the test.
class StorageTest : public ::testing::Test {
  protected:
    StorageTest() {
        std::string name = (fs::temp_directory_path() / "eventlens-storage-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder");
        root_ = fs::canonical(name);
        fs::permissions(root_, fs::perms{0755});
    }
    ~StorageTest() override { fs::remove_all(root_); }

    void write(const std::string& key, const std::string& text = "photo") const {
        fs::create_directories((root_ / key).parent_path());
        std::ofstream(root_ / key, std::ios::binary) << text;
    }

    using Problems = std::vector<std::pair<std::string, ErrorCode>>;
    std::vector<std::string> keys(ListOptions options = {}, Problems* problems = nullptr) const {
        if (problems) {
            options.on_problem = [problems](const std::string& key, const Error& error) {
                problems->emplace_back(key, error.code());
            };
        }
        std::vector<std::string> found;
        open_source(root_.string())->list(options, [&](const StoredObject& object) {
            found.push_back(object.key);
        });
        return found;
    }

    fs::path root_;
};

// Root may read anything; for a test of what may not be read, root has to be someone else for a while.
class WithoutPrivileges {
  public:
    WithoutPrivileges() : was_(geteuid()) {
        if (was_ == 0 && seteuid(65534) != 0) throw std::runtime_error("cannot give up root's privileges");
    }
    ~WithoutPrivileges() {
        if (was_ == 0 && seteuid(0) != 0) std::abort();
    }
    WithoutPrivileges(const WithoutPrivileges&) = delete;
    WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;

  private:
    uid_t was_;
};

std::optional<ErrorCode> code_of(const auto& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

std::string text_of(const std::vector<std::byte>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

using Keys = std::vector<std::string>;

TEST_F(StorageTest, ListsFoldersInTheByteOrderOfKeys) {
    // '-' sorts before '/' and '0' behind it: an object store would list "a-1.jpg", "a/2.jpg", "a0.jpg".
    for (const char* key : {"a/2.jpg", "a0.jpg", "a-1.jpg", "b.jpg", "a/deep/er/1.jpg", "B.jpg"}) write(key);
    const Keys found = keys();
    EXPECT_EQ(found, (Keys{"B.jpg", "a-1.jpg", "a/2.jpg", "a/deep/er/1.jpg", "a0.jpg", "b.jpg"}));
    EXPECT_TRUE(std::ranges::is_sorted(found));
}

TEST_F(StorageTest, HandsOutAFolderAtATime) {
    for (const char* key : {"a/1.jpg", "a/2.jpg", "a/deep/er/3.jpg", "a/z.jpg", "b.jpg", "c.jpg"}) write(key);
    fs::create_directory(root_ / "empty");
    const auto source = open_source(root_.string());
    const auto listing = source->listing({});
    std::vector<Keys> found;
    for (auto some = listing->next(); !some.empty(); some = listing->next()) {
        found.emplace_back();
        for (const StoredObject& object : some) found.back().push_back(object.key);
    }
    EXPECT_EQ(found, (std::vector<Keys>{
                         {"a/1.jpg", "a/2.jpg"}, {"a/deep/er/3.jpg"}, {"a/z.jpg"}, {"b.jpg", "c.jpg"}}));
    EXPECT_TRUE(listing->next().empty()) << "the end stays the end";
}

TEST_F(StorageTest, DescribesWhatItLists) {
    write("one.jpg", "12345");
    const timespec when[2] = {{1'700'000'000, 0}, {1'700'000'000, 123'456'789}};
    ASSERT_EQ(utimensat(AT_FDCWD, (root_ / "one.jpg").c_str(), when, 0), 0);
    const auto listed = [&] {
        StoredObject seen;
        open_source(root_.string())->list({}, [&](const StoredObject& object) { seen = object; });
        return seen;
    };
    const StoredObject before = listed();
    EXPECT_EQ(before.size, 5);
    EXPECT_EQ(before.modified, 1'700'000'000'123'456'789);
    EXPECT_EQ(before.fingerprint(), listed().fingerprint());
    write("one.jpg", "123456");
    EXPECT_NE(before.fingerprint(), listed().fingerprint());

    StoredObject marked = before;
    marked.etag = "abc";
    StoredObject moved = marked;
    moved.modified = 1;  // a copy within a store: same content, new time
    EXPECT_EQ(marked.fingerprint(), moved.fingerprint());
}

TEST_F(StorageTest, LeavesOutHiddenUnwantedAndOddThings) {
    for (const char* key : {"a.jpg", "notes.txt", ".hidden.jpg", ".cache/b.jpg", "sub/.c.jpg", "sub/d.jpg"})
        write(key);
    ASSERT_EQ(mkfifo((root_ / "pipe.jpg").c_str(), 0600), 0);
    const auto jpg = [](std::string_view key) { return key.ends_with(".jpg"); };
    EXPECT_EQ(keys({.prefix = "", .wanted = jpg}), (Keys{"a.jpg", "sub/d.jpg"}));
    // Reading the pipe does not wait for a writer.
    EXPECT_EQ(code_of([&] { open_source(root_.string())->read("pipe.jpg", 100); }), ErrorCode::bad_input);
}

TEST_F(StorageTest, ListsAPrefix) {
    for (const char* key : {"day1/a.jpg", "day1/x/b.jpg", "day10/c.jpg", "day2/d.jpg", "day.jpg"}) write(key);
    EXPECT_EQ(keys({.prefix = "day1/"}), (Keys{"day1/a.jpg", "day1/x/b.jpg"}));
    EXPECT_EQ(keys({.prefix = "day1"}), (Keys{"day1/a.jpg", "day1/x/b.jpg", "day10/c.jpg"}));
    EXPECT_EQ(keys({.prefix = "day1/x/b"}), (Keys{"day1/x/b.jpg"}));
    EXPECT_EQ(keys({.prefix = "night"}), Keys{});
}

TEST_F(StorageTest, FollowsLinksOnceAndSurvivesLoops) {
    write("real/a.jpg");
    fs::create_directory_symlink(root_, root_ / "real/up");           // a loop
    fs::create_directory_symlink(root_ / "real", root_ / "s-again");  // a second way to the same folder
    fs::create_symlink(root_ / "real/a.jpg", root_ / "z-link.jpg");   // a file under a second name
    fs::create_symlink("self.jpg", root_ / "self.jpg");               // leads nowhere
    fs::create_symlink(root_ / "gone.jpg", root_ / "broken.jpg");
    Problems problems;
    EXPECT_EQ(keys({}, &problems), (Keys{"real/a.jpg", "z-link.jpg"}));
    EXPECT_EQ(problems, (Problems{{"broken.jpg", ErrorCode::not_found}, {"self.jpg", ErrorCode::bad_input}}));
}

TEST_F(StorageTest, GoesOnBehindAnUnreadableFolderAndReportsIt) {
    write("a/1.jpg");
    write("b/2.jpg");
    write("c/3.jpg");
    fs::permissions(root_ / "b", fs::perms::none);
    Problems problems;
    {
        const WithoutPrivileges nobody;
        EXPECT_EQ(keys({}, &problems), (Keys{"a/1.jpg", "c/3.jpg"}));
        EXPECT_EQ(code_of([&] { keys(); }), ErrorCode::denied);  // nobody to tell: not a short listing
    }
    EXPECT_EQ(problems, (Problems{{"b/", ErrorCode::denied}}));
    fs::permissions(root_ / "b", fs::perms::owner_all);
}

TEST_F(StorageTest, AFolderThatVanishedIsNotAnEmptyOne) {
    write("sub/a.jpg");
    const auto source = open_source((root_ / "sub").string());
    fs::remove_all(root_ / "sub");
    ListOptions options;
    options.on_problem = [](const std::string&, const Error&) {};
    EXPECT_EQ(code_of([&] { source->list(options, [](const StoredObject&) {}); }), ErrorCode::not_found);
}

TEST_F(StorageTest, KeepsNamesAsBytes) {
    const Keys names{"\xFFnot utf-8.jpg", "new\nline.jpg", "Zieleinlauf \xC3\xBC.jpg", "100% \"quoted\".jpg"};
    for (const std::string& name : names) write(name, name);
    Keys sorted = names;
    std::ranges::sort(sorted);
    EXPECT_EQ(keys(), sorted);
    const auto source = open_source(root_.string());
    for (const std::string& name : names) EXPECT_EQ(text_of(source->read(name, 1000)), name);
}

TEST_F(StorageTest, ReadsUpToTheLimit) {
    write("a.jpg", "12345");
    write("empty.jpg", "");
    const auto source = open_source(root_.string());
    EXPECT_EQ(text_of(source->read("a.jpg", 5)), "12345");
    EXPECT_EQ(text_of(source->read("empty.jpg", 5)), "");
    EXPECT_EQ(code_of([&] { source->read("a.jpg", 4); }), ErrorCode::bad_input);
}

TEST_F(StorageTest, TellsMissingFromUnreadable) {
    write("gone.jpg");
    write("closed.jpg");
    write("folder/a.jpg");
    const auto source = open_source(root_.string());
    fs::remove(root_ / "gone.jpg");
    fs::permissions(root_ / "closed.jpg", fs::perms::none);
    const WithoutPrivileges nobody;
    EXPECT_EQ(code_of([&] { source->read("gone.jpg", 100); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { source->read("closed.jpg", 100); }), ErrorCode::denied);
    EXPECT_EQ(code_of([&] { source->open("closed.jpg"); }), ErrorCode::denied);
    EXPECT_EQ(code_of([&] { source->read("folder", 100); }), ErrorCode::bad_input);
}

TEST_F(StorageTest, ReadsRanges) {
    write("film.mp4", "0123456789");
    const auto bytes = open_source(root_.string())->open("film.mp4");
    EXPECT_EQ(bytes->size(), 10);
    const auto text_at = [&](std::int64_t offset, std::size_t length) {
        std::string text(length, '?');
        text.resize(bytes->read(offset, std::as_writable_bytes(std::span(text))));
        return text;
    };
    EXPECT_EQ(text_at(0, 4), "0123");
    EXPECT_EQ(text_at(7, 2), "78");
    EXPECT_EQ(text_at(7, 100), "789");
    EXPECT_EQ(text_at(10, 1), "");
    EXPECT_EQ(text_at(std::int64_t{1} << 40, 1), "");
    EXPECT_THROW(text_at(-1, 1), Error);

    fs::resize_file(root_ / "film.mp4", 5);
    EXPECT_THROW(text_at(4, 4), Error);  // what was promised at opening is no longer there
}

TEST_F(StorageTest, NeverReadsOutsideOfTheFolder) {
    write("inside/a.jpg");
    write("secret.jpg");
    const auto source = open_source((root_ / "inside").string());
    for (const std::string key : {"../secret.jpg", "x/../../secret.jpg", "", "/", ".", "./a.jpg", "a.jpg/"}) {
        EXPECT_EQ(code_of([&] { source->read(key, 100); }), ErrorCode::bad_input) << key;
    }
    EXPECT_EQ(code_of([&] { source->read((root_ / "secret.jpg").string(), 100); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { source->read(std::string("a.jpg\0b", 7), 100); }), ErrorCode::bad_input);
}

TEST_F(StorageTest, OnePlaceHasOneName) {
    write("sp ace \xC3\xBC/a.jpg");
    const fs::path folder = root_ / "sp ace \xC3\xBC";
    fs::create_directory_symlink(folder, root_ / "link");
    const std::string uri = open_source(folder.string())->uri();
    EXPECT_EQ(uri, "file://" + root_.string() + "/sp%20ace%20%C3%BC");
    EXPECT_EQ(open_source(uri)->uri(), uri);
    EXPECT_EQ(open_source("file://localhost" + uri.substr(7))->uri(), uri);
    EXPECT_EQ(open_source(folder.string() + "/../link//")->uri(), uri);
}

TEST_F(StorageTest, RefusesWhatItCannotOpen) {
    EXPECT_EQ(code_of([&] { open_source((root_ / "nothing").string()); }), ErrorCode::not_found);
    StorageOptions alone;  // without credentials, and without asking the machine for them
    alone.environment = {{"AWS_EC2_METADATA_DISABLED", "true"}};
    EXPECT_EQ(code_of([&] { open_source("s3://lakeside/photos/", alone); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { open_source("az://lakeside/photos/", alone); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([] { open_source("gopher://lakeside/"); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([] { open_source("file://elsewhere/photos"); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([] { open_source("file:///bad%2"); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([] { open_source(""); }), ErrorCode::bad_input);
}

TEST_F(StorageTest, TakesAListOfPaths) {
    write("b.jpg", "b");
    write("a.jpg", "a");
    const std::string a = (root_ / "a.jpg").string();
    const std::string b = (root_ / "b.jpg").string();
    const std::string missing = (root_ / "c.jpg").string();
    const auto source = open_paths({b, a, (root_ / "x/../b.jpg").string(), missing, root_.string()});
    Keys found;
    Keys problems;
    ListOptions options;
    options.on_problem = [&](const std::string& key, const Error&) { problems.push_back(key); };
    source->list(options, [&](const StoredObject& object) { found.push_back(object.key); });
    EXPECT_EQ(found, (Keys{a, b}));
    EXPECT_EQ(problems, (Keys{root_.string(), missing}));
    EXPECT_EQ(text_of(source->read(a, 10)), "a");
    EXPECT_EQ(code_of([&] { source->read(missing, 10); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { source->read("/etc/passwd", 10'000); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([] { open_paths({""}); }), ErrorCode::bad_input);

    Keys single;
    open_source(a)->list({}, [&](const StoredObject& object) { single.push_back(object.key); });
    EXPECT_EQ(single, Keys{a});
}

TEST_F(StorageTest, ACallbackMayEndTheListing) {
    for (const char* key : {"a.jpg", "b.jpg", "c.jpg"}) write(key);
    int seen = 0;
    const auto stop_at_second = [&](const StoredObject&) {
        if (++seen == 2) throw Error(ErrorCode::overloaded, "enough");
    };
    EXPECT_EQ(code_of([&] { open_source(root_.string())->list({}, stop_at_second); }), ErrorCode::overloaded);
    EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace eventlens
