#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "eventlens/storage.h"

namespace eventlens {
namespace {

namespace fs = std::filesystem;

using Keys = std::vector<std::string>;

// A folder that dies with the test; the store is one in it that does not exist yet.
class FolderStoreTest : public ::testing::Test {
  protected:
    FolderStoreTest() {
        std::string name = (fs::temp_directory_path() / "eventlens-store-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder");
        outside_ = fs::canonical(name);
        root_ = outside_ / "new/store";
    }
    ~FolderStoreTest() override { fs::remove_all(outside_); }

    // Everything below the root, hidden things too, as paths.
    Keys everything() const {
        Keys found;
        for (const auto& entry : fs::recursive_directory_iterator(root_))
            found.push_back(entry.path().lexically_relative(root_).string());
        std::ranges::sort(found);
        return found;
    }

    std::string text(const std::string& key) const {
        std::ifstream file(root_ / key, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    fs::path outside_;
    fs::path root_;
};

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

std::optional<ErrorCode> code_of(const auto& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

// No file may grow beyond `bytes`: the nearest to a full disk that needs no disk.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

  private:
    rlimit before_{};
    void (*handler_)(int);
};

TEST_F(FolderStoreTest, MakesTheFolderAndKeepsWhatItIsGiven) {
    const auto store = open_store(root_.string());
    EXPECT_TRUE(store->write("thumb/day 1/a.jpg", bytes_of("one")));
    EXPECT_TRUE(store->write("empty", {}));
    EXPECT_EQ(text("thumb/day 1/a.jpg"), "one");
    EXPECT_TRUE(store->write("thumb/day 1/a.jpg", bytes_of("two")));
    EXPECT_EQ(text("thumb/day 1/a.jpg"), "two");
    EXPECT_EQ(everything(), (Keys{"empty", "thumb", "thumb/day 1", "thumb/day 1/a.jpg"}));

    const auto again = open_store("file://" + root_.string());
    EXPECT_EQ(again->uri(), store->uri());
    EXPECT_EQ(again->uri(), open_source(root_.string())->uri());
    EXPECT_EQ(again->read("empty", 0).size(), 0U);
}

TEST_F(FolderStoreTest, CopiesFiles) {
    std::string content(3'000'001, '\0');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 / 3);
    const fs::path clip = outside_ / "clip.mp4";
    std::ofstream(clip, std::ios::binary) << content;
    const auto store = open_store(root_.string());
    EXPECT_TRUE(store->write_file("clips/1.mp4", clip));
    EXPECT_TRUE(text("clips/1.mp4") == content);
    EXPECT_FALSE(store->write_file("clips/1.mp4", outside_ / "clip.mp4", {.only_if_absent = true}));
    EXPECT_EQ(code_of([&] { store->write_file("clips/2.mp4", outside_ / "gone.mp4"); }),
              ErrorCode::not_found);
    EXPECT_EQ(everything(), (Keys{"clips", "clips/1.mp4"}));
}

TEST_F(FolderStoreTest, LeavesAloneWhatIsThereIfAsked) {
    const auto store = open_store(root_.string());
    const WriteOptions once{.only_if_absent = true};
    EXPECT_TRUE(store->write("a.jpg", bytes_of("first"), once));
    EXPECT_FALSE(store->write("a.jpg", bytes_of("second"), once));
    EXPECT_EQ(text("a.jpg"), "first");
    EXPECT_EQ(everything(), Keys{"a.jpg"});
}

TEST_F(FolderStoreTest, LetsOneOfManyWritersWin) {
    const auto store = open_store(root_.string());
    for (int round = 0; round < 20; ++round) {
        const std::string key = "day/" + std::to_string(round);
        std::array<bool, 4> won{};
        std::vector<std::jthread> writers;
        for (std::size_t i = 0; i < won.size(); ++i) {
            writers.emplace_back([&, i] {
                won[i] = store->write(key, bytes_of(std::to_string(i)), {.only_if_absent = true});
            });
        }
        writers.clear();
        ASSERT_EQ(std::ranges::count(won, true), 1);
        EXPECT_EQ(text(key), std::to_string(std::ranges::find(won, true) - won.begin()));
    }
}

TEST_F(FolderStoreTest, RemovesFilesAndNothingElse) {
    const auto store = open_store(root_.string());
    store->write("day/a.jpg", bytes_of("a"));
    store->remove("day/a.jpg");
    store->remove("day/a.jpg");
    store->remove("night/a.jpg");
    EXPECT_EQ(code_of([&] { store->remove("day"); }), ErrorCode::bad_input);
    EXPECT_EQ(everything(), Keys{"day"});
}

TEST_F(FolderStoreTest, LeavesNothingBehindOnAFullDisk) {
    const auto store = open_store(root_.string());
    store->write("day/a.jpg", bytes_of("before"));
    const std::string large(100'000, 'x');
    std::ofstream(outside_ / "large", std::ios::binary) << large;
    {
        const FileSizeLimit limit(50'000);
        EXPECT_EQ(code_of([&] { store->write("day/a.jpg", bytes_of(large)); }), ErrorCode::overloaded);
        EXPECT_EQ(code_of([&] { store->write_file("day/b.jpg", outside_ / "large"); }),
                  ErrorCode::overloaded);
    }
    EXPECT_EQ(text("day/a.jpg"), "before");
    EXPECT_EQ(everything(), (Keys{"day", "day/a.jpg"}));
}

TEST_F(FolderStoreTest, NeverWritesOutsideOfTheFolder) {
    const auto store = open_store(root_.string());
    fs::create_directory(outside_ / "elsewhere");
    std::ofstream(outside_ / "elsewhere/theirs.jpg") << "theirs";
    fs::create_directory_symlink(outside_ / "elsewhere", root_ / "day");
    fs::create_symlink(outside_ / "elsewhere/theirs.jpg", root_ / "link.jpg");

    const Keys wrong{"../a.jpg", "x/../../a.jpg", "",           "/a.jpg", "./a.jpg", "a//b",
                     "a/",       "day/a.jpg",     "day/x/a.jpg"};
    for (const std::string& key : wrong) {
        EXPECT_EQ(code_of([&] { store->write(key, bytes_of("ours")); }), ErrorCode::bad_input) << key;
        EXPECT_EQ(code_of([&] { store->write_file(key, outside_ / "elsewhere/theirs.jpg"); }),
                  ErrorCode::bad_input)
            << key;
    }
    EXPECT_EQ(code_of([&] { store->remove("day/theirs.jpg"); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { store->remove("../elsewhere/theirs.jpg"); }), ErrorCode::bad_input);

    // A link in the object's own place gives way to the object.
    EXPECT_TRUE(store->write("link.jpg", bytes_of("ours")));
    EXPECT_EQ(text("link.jpg"), "ours");
    std::ifstream theirs(outside_ / "elsewhere/theirs.jpg");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(theirs), {}), "theirs");
    EXPECT_EQ(std::distance(fs::directory_iterator(outside_ / "elsewhere"), {}), 1);
}

TEST_F(FolderStoreTest, WritesNoFileOverAFolderNorBelowAFile) {
    const auto store = open_store(root_.string());
    store->write("day/a.jpg", bytes_of("a"));
    EXPECT_EQ(code_of([&] { store->write("day", bytes_of("b")); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { store->write("day", bytes_of("b"), {.only_if_absent = true}); }),
              ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { store->write("day/a.jpg/b", bytes_of("b")); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { store->write(std::string(300, 'x'), bytes_of("b")); }), ErrorCode::bad_input);
    EXPECT_EQ(everything(), (Keys{"day", "day/a.jpg"}));
}

TEST_F(FolderStoreTest, SaysWhatAFolderCannotDo) {
    const auto store = open_store(root_.string());
    EXPECT_EQ(code_of([&] { store->presign_get("a.jpg"); }), ErrorCode::unsupported);
    std::ofstream(outside_ / "file") << "no folder";
    EXPECT_EQ(code_of([&] { open_store((outside_ / "file").string()); }), ErrorCode::bad_input);
    EXPECT_TRUE(code_of([&] { open_store((outside_ / "file/below").string()); }).has_value());
    EXPECT_EQ(code_of([&] { open_store(""); }), ErrorCode::bad_input);
}

}  // namespace
}  // namespace eventlens
