#include <algorithm>
#include <thread>

#include "base/sha256.h"
#include "eventlens/error.h"
#include "models/manifest.h"
#include "models/store_impl.h"

namespace eventlens {

namespace {

const ModelEntry* find_entry(const std::vector<ModelEntry>& entries, const std::string& name) {
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const ModelEntry& e) { return e.name == name; });
    return found == entries.end() ? nullptr : &*found;
}

bool cpu_has_bf16(ov::Core& core) {
    const auto capabilities = core.get_property("CPU", ov::device::capabilities);
    return std::find(capabilities.begin(), capabilities.end(), ov::device::capability::BF16) !=
           capabilities.end();
}

}  // namespace

ModelStore::ModelStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ModelStore::~ModelStore() = default;

std::shared_ptr<const ModelStore> ModelStore::open(std::span<const std::filesystem::path> manifests,
                                                   const RuntimeOptions& options) {
    auto impl = std::make_unique<Impl>();
    for (const auto& path : manifests) {
        Manifest manifest = read_manifest(path);
        for (ModelEntry& entry : manifest.entries) {
            if (find_entry(impl->entries, entry.name)) {
                throw Error(ErrorCode::bad_input, "manifest " + path.string() + ": a model named '" +
                                                      entry.name +
                                                      "' is already known; give it another name");
            }
            impl->entries.push_back(std::move(entry));
        }
        for (auto& [role, name] : manifest.defaults) impl->defaults[role] = name;
    }
    for (const ModelEntry& entry : impl->entries) {
        int size = 0;
        for (const EmbedderPart& part : entry.parts) {
            const ModelEntry* model = find_entry(impl->entries, part.model);
            if (!model || model->role != entry.role || !model->parts.empty()) {
                throw Error(ErrorCode::bad_input, "model '" + entry.name + "': its part '" + part.model +
                                                      "' is not a plain model of the same role");
            }
            size += model->output_size;
        }
        if (!entry.parts.empty() && size != entry.output_size) {
            throw Error(ErrorCode::bad_input,
                        "model '" + entry.name + "': output_size is not the sum of its parts'");
        }
    }
    for (const auto& [role, name] : impl->defaults) {
        const ModelEntry* model = find_entry(impl->entries, name);
        if (!model || model->role != role) {
            throw Error(ErrorCode::bad_input,
                        "default for " + role + ": no model '" + name + "' of that role");
        }
    }

    if (options.threads < 0) throw Error(ErrorCode::bad_input, "threads must not be negative");
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    impl->threads = options.threads > 0 ? options.threads : static_cast<int>(cores);
    const bool available = cpu_has_bf16(impl->core);
    if (options.precision == Precision::bf16 && !available) {
        throw Error(ErrorCode::unsupported,
                    "this CPU does not compute in bf16; use precision f32 or automatic");
    }
    impl->bf16 = available && options.precision != Precision::f32;
    impl->on_run = options.on_run;
    return std::shared_ptr<const ModelStore>(new ModelStore(std::move(impl)));
}

std::span<const ModelEntry> ModelStore::entries() const {
    return impl_->entries;
}

const ModelEntry& ModelStore::entry(const std::string& name) const {
    if (const ModelEntry* found = find_entry(impl_->entries, name)) return *found;
    std::string known;
    for (const ModelEntry& entry : impl_->entries) known += (known.empty() ? "" : ", ") + entry.name;
    throw Error(ErrorCode::not_found, "no model named '" + name + "'; known: " + known);
}

const ModelEntry& ModelStore::default_for(const std::string& role) const {
    const auto found = impl_->defaults.find(role);
    if (found == impl_->defaults.end())
        throw Error(ErrorCode::not_found, "no manifest names a default " + role);
    return entry(found->second);
}

void ModelStore::verify(const ModelEntry& entry) const {
    constexpr auto remedy = "; run `eventlens models fetch`";
    for (const EmbedderPart& part : entry.parts) verify(this->entry(part.model));
    for (const ModelFile& file : entry.files) {
        if (!std::filesystem::exists(file.path)) {
            throw Error(ErrorCode::not_found,
                        "model '" + entry.name + "': " + file.path.string() + " is missing" + remedy);
        }
        if (sha256_hex_of_file(file.path) != file.sha256) {
            throw Error(ErrorCode::bad_input,
                        "model '" + entry.name + "': " + file.path.string() +
                            " is not the file its manifest describes (SHA-256 differs)" + remedy);
        }
    }
}

Precision ModelStore::precision() const {
    return impl_->bf16 ? Precision::bf16 : Precision::f32;
}

}  // namespace eventlens
