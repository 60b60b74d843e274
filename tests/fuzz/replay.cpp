// Runs a fuzz target over files or folders given on the command line, each whole and cut short at many
// lengths.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
    namespace fs = std::filesystem;
    int replayed = 0;
    const auto replay = [&](const fs::path& path) {
        std::ifstream file(path, std::ios::binary);
        const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
        const std::vector<std::uint8_t> bytes(text.begin(), text.end());
        const std::size_t step = bytes.size() / 50 + 1;
        for (std::size_t size = 0; size < bytes.size(); size += step)
            LLVMFuzzerTestOneInput(bytes.data(), size);
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        ++replayed;
    };
    for (int i = 1; i < count; ++i) {
        if (!fs::is_directory(arguments[i])) {
            replay(arguments[i]);
            continue;
        }
        for (const auto& entry : fs::directory_iterator(arguments[i])) replay(entry.path());
    }
    std::printf("%d inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
