#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <openvino/runtime/core.hpp>
#include <random>

#include "data_library.h"
#include "eventlens/error.h"
#include "tools/dlib_resnet_graph.h"
#include "tools/dlib_resnet_network.h"
#include "tools/elf_file.h"
#include "tools/yunet_graph.h"

namespace eventlens {
namespace {

class Conversion : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) / ("conversion-" + std::to_string(getpid()));
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path write(const char* name, const std::string& bytes) const {
        std::ofstream(folder_ / name, std::ios::binary) << bytes;
        return folder_ / name;
    }

    static std::string contents(const std::filesystem::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::filesystem::path folder_;
};

template <typename Convert>
ErrorCode code_of(const Convert& convert, const std::filesystem::path& path) {
    try {
        convert(path);
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()), "");
        return error.code();
    }
    ADD_FAILURE() << "converted " << path;
    return ErrorCode::internal;
}

// A network is allocated by its first use. Trained ones scale by channel, as this prepares a fresh one to do.
struct ScaleByChannel {
    template <typename Below>
    void operator()(std::size_t, dlib::add_layer<dlib::affine_, Below>& layer) const {
        layer.layer_details() = dlib::affine_(dlib::CONV_MODE);
    }

    template <typename Other>
    void operator()(std::size_t, Other&) const {}
};

void allocate(dlib_resnet::Network& network) {
    dlib::visit_layers(network, ScaleByChannel{});
    (void)network(dlib::matrix<dlib::rgb_pixel>(150, 150));
}

// Gives every parameter a value that matters: a fresh network has biases of 0 and affine layers that do
// nothing.
struct Randomize {
    std::mt19937* random;

    void fill(dlib::tensor& tensor, float centre, float spread) const {
        std::uniform_real_distribution<float> value(centre - spread, centre + spread);
        for (float& number : tensor) number = value(*random);
    }

    template <typename Below>
    void operator()(std::size_t, dlib::add_layer<dlib::affine_, Below>& layer) const {
        auto gamma = layer.layer_details().get_gamma();
        auto beta = layer.layer_details().get_beta();
        fill(gamma, 0.8F, 0.4F);
        fill(beta, 0, 0.1F);
    }

    template <long out, long rows, long columns, int sy, int sx, int py, int px, typename Below>
    void operator()(std::size_t,
                    dlib::add_layer<dlib::con_<out, rows, columns, sy, sx, py, px>, Below>& layer) const {
        dlib::tensor& parameters = layer.layer_details().get_layer_params();
        const float fan_in = static_cast<float>(parameters.size()) / static_cast<float>(out);
        fill(parameters, 0, 1 / std::sqrt(fan_in));
    }

    template <typename Other>
    void operator()(std::size_t, Other&) const {}
};

TEST_F(Conversion, DlibGraphGivesWhatDlibGives) {
    std::mt19937 random(7);
    std::vector<dlib::matrix<dlib::rgb_pixel>> chips(2, dlib::matrix<dlib::rgb_pixel>(150, 150));
    for (auto& chip : chips) {
        for (dlib::rgb_pixel& pixel : chip) {
            const auto number = random();
            pixel = {static_cast<unsigned char>(number), static_cast<unsigned char>(number >> 8),
                     static_cast<unsigned char>(number >> 16)};
        }
    }
    dlib_resnet::Network network;
    allocate(network);
    dlib::visit_layers(network, Randomize{&random});
    const auto path = folder_ / "network.dat";
    dlib::serialize(path.string()) << network;
    const std::vector<dlib::matrix<float, 0, 1>> expected = network(chips);

    ov::Core core;
    auto request =
        core.compile_model(dlib_resnet_graph(path), "CPU", ov::hint::inference_precision(ov::element::f32))
            .create_infer_request();
    ov::Tensor input(ov::element::u8, {2, 150, 150, 3});
    auto* byte = input.data<std::uint8_t>();
    for (const auto& chip : chips) {
        for (const dlib::rgb_pixel& pixel : chip) {
            for (const unsigned char channel : {pixel.red, pixel.green, pixel.blue}) *byte++ = channel;
        }
    }
    request.set_input_tensor(input);
    request.infer();

    const ov::Tensor output = request.get_output_tensor();
    ASSERT_EQ(output.get_shape(), (ov::Shape{2, 128}));
    float largest = 0;
    for (std::size_t i = 0; i < output.get_size(); ++i) {
        const float theirs = expected[i / 128](static_cast<long>(i % 128));
        largest = std::max(largest, std::abs(theirs));
        EXPECT_NEAR(output.data<float>()[i], theirs, 1e-5F);
    }
    EXPECT_GT(largest, 1e-2F) << "the comparison says nothing when the outputs vanish";
}

TEST_F(Conversion, OtherFilesAreNotDlibsNetwork) {
    EXPECT_EQ(code_of(dlib_resnet_graph, folder_ / "absent.dat"), ErrorCode::not_found);
    EXPECT_EQ(code_of(dlib_resnet_graph, write("empty.dat", "")), ErrorCode::bad_input);
    EXPECT_EQ(code_of(dlib_resnet_graph, write("text.dat", "once upon a time")), ErrorCode::bad_input);
}

TEST_F(Conversion, ATruncatedDlibNetworkIsRefused) {
    dlib_resnet::Network network;
    allocate(network);
    const auto path = folder_ / "network.dat";
    dlib::serialize(path.string()) << network;
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    EXPECT_EQ(code_of(dlib_resnet_graph, path), ErrorCode::bad_input);
}

TEST(ElfFile, ReadsWhatTheLoaderSees) {
    const ElfFile library(DATA_LIBRARY_PATH);
    const std::uint64_t table = library.address_of("data_library_table");
    for (std::size_t i = 0; i < std::size(data_library_table); ++i) {
        const DataLayer& loaded = data_library_table[i];
        const std::uint64_t entry = table + i * sizeof(DataLayer);
        EXPECT_EQ(library.value_at<int>(entry + offsetof(DataLayer, in)), loaded.in);
        EXPECT_EQ(library.value_at<int>(entry + offsetof(DataLayer, out)), loaded.out);
        EXPECT_EQ(library.value_at<bool>(entry + offsetof(DataLayer, depthwise)), loaded.depthwise);
        const auto weights = library.floats_at(library.pointer_at(entry + offsetof(DataLayer, weights)), 3);
        EXPECT_TRUE(std::ranges::equal(weights, std::span(loaded.weights, 3)));
        const auto biases = library.floats_at(library.pointer_at(entry + offsetof(DataLayer, biases)), 1);
        EXPECT_EQ(biases[0], loaded.biases[0]);
    }
}

TEST(ElfFile, SaysWhatIsMissing) {
    const ElfFile library(DATA_LIBRARY_PATH);
    EXPECT_THROW((void)library.address_of("param_pConvInfo"), Error);
    EXPECT_THROW((void)library.pointer_at(library.address_of("data_library_weights")), Error);
    EXPECT_THROW((void)library.floats_at(library.address_of("data_library_weights"), std::size_t{1} << 40),
                 Error);
    EXPECT_EQ(code_of(yunet_graph, DATA_LIBRARY_PATH), ErrorCode::bad_input);
}

// Property: whatever a library is cut to, it is an error or the same data, never a crash.
TEST_F(Conversion, AnyTruncationOfALibraryIsAnError) {
    const std::string whole = contents(DATA_LIBRARY_PATH);
    EXPECT_EQ(code_of(yunet_graph, folder_ / "absent.so"), ErrorCode::not_found);
    for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 97) {
        EXPECT_EQ(code_of(yunet_graph, write("cut.so", whole.substr(0, length))), ErrorCode::bad_input)
            << length;
    }
}

}  // namespace
}  // namespace eventlens
