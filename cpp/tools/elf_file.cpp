#include "tools/elf_file.h"

#include <elf.h>

#include <bit>
#include <fstream>
#include <iterator>

namespace eventlens {

// The structures of <elf.h> are copied out of the file as they are.
static_assert(std::endian::native == std::endian::little);

namespace {

template <typename T>
T copy_of(std::span<const std::byte> bytes) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace

ElfFile::ElfFile(const std::filesystem::path& path) : name_(path.string()) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) throw Error(ErrorCode::not_found, "cannot open " + name_);
    bytes_.resize(static_cast<std::size_t>(file.tellg()));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(bytes_.data()), static_cast<std::streamsize>(bytes_.size()));
    if (!file) throw Error(ErrorCode::not_found, "cannot read " + name_);
    read_segments();
    read_sections();
}

void ElfFile::complain(const std::string& what) const {
    throw Error(ErrorCode::bad_input, name_ + ": " + what);
}

std::span<const std::byte> ElfFile::file_bytes(std::uint64_t offset, std::uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) complain("the file ends too early");
    return std::span(bytes_).subspan(offset, size);
}

std::span<const std::byte> ElfFile::bytes_at(std::uint64_t address, std::uint64_t size) const {
    for (const Segment& segment : segments_) {
        if (address < segment.address || address - segment.address >= segment.size) continue;
        const std::uint64_t inside = address - segment.address;
        if (size > segment.size - inside) break;
        return file_bytes(segment.offset + inside, size);
    }
    complain("data lie outside of what the library carries");
}

void ElfFile::read_segments() {
    if (bytes_.size() < sizeof(Elf64_Ehdr) || std::memcmp(bytes_.data(), ELFMAG, SELFMAG) != 0) {
        complain("not a shared library (no ELF header)");
    }
    const auto header = copy_of<Elf64_Ehdr>(bytes_);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64 || header.e_type != ET_DYN) {
        complain("not a shared library for 64-bit x86");
    }
    for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
        const auto program =
            copy_of<Elf64_Phdr>(file_bytes(header.e_phoff + i * sizeof(Elf64_Phdr), sizeof(Elf64_Phdr)));
        if (program.p_type == PT_LOAD)
            segments_.push_back({program.p_vaddr, program.p_offset, program.p_filesz});
    }
}

void ElfFile::read_sections() {
    const auto header = copy_of<Elf64_Ehdr>(bytes_);
    std::vector<Elf64_Shdr> sections;
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
        sections.push_back(
            copy_of<Elf64_Shdr>(file_bytes(header.e_shoff + i * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr))));
    }

    std::vector<std::uint64_t> addresses;  // of the dynamic symbols, by index
    for (const Elf64_Shdr& section : sections) {
        if (section.sh_type != SHT_DYNSYM) continue;
        if (section.sh_link >= sections.size()) complain("broken symbol table");
        const Elf64_Shdr& names = sections[section.sh_link];
        const auto text = file_bytes(names.sh_offset, names.sh_size);
        for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.sh_size; at += sizeof(Elf64_Sym)) {
            const auto symbol = copy_of<Elf64_Sym>(file_bytes(section.sh_offset + at, sizeof(Elf64_Sym)));
            if (symbol.st_name >= text.size()) complain("broken symbol table");
            const auto name = text.subspan(symbol.st_name);
            const char* letters = reinterpret_cast<const char*>(name.data());
            addresses.push_back(symbol.st_value);
            symbols_.emplace(std::string(letters, strnlen(letters, name.size())), symbol.st_value);
        }
    }
    for (const Elf64_Shdr& section : sections) {
        if (section.sh_type != SHT_RELA) continue;
        for (std::uint64_t at = 0; at + sizeof(Elf64_Rela) <= section.sh_size; at += sizeof(Elf64_Rela)) {
            const auto entry = copy_of<Elf64_Rela>(file_bytes(section.sh_offset + at, sizeof(Elf64_Rela)));
            const auto addend = static_cast<std::uint64_t>(entry.r_addend);
            if (ELF64_R_TYPE(entry.r_info) == R_X86_64_RELATIVE) {
                pointers_[entry.r_offset] = addend;
            } else if (ELF64_R_TYPE(entry.r_info) == R_X86_64_64) {
                const std::uint64_t symbol = ELF64_R_SYM(entry.r_info);
                if (symbol >= addresses.size()) complain("broken relocation table");
                pointers_[entry.r_offset] = addresses[symbol] + addend;
            }
        }
    }
}

std::uint64_t ElfFile::address_of(std::string_view symbol) const {
    const auto found = symbols_.find(symbol);
    if (found == symbols_.end() || found->second == 0)
        complain("exports no symbol '" + std::string(symbol) + "'");
    return found->second;
}

std::uint64_t ElfFile::pointer_at(std::uint64_t address) const {
    const auto found = pointers_.find(address);
    if (found == pointers_.end()) complain("has no pointer where one is expected");
    return found->second;
}

std::vector<float> ElfFile::floats_at(std::uint64_t address, std::size_t count) const {
    if (count > bytes_.size())
        complain("the file ends too early");  // also keeps the product from overflowing
    const auto bytes = bytes_at(address, count * sizeof(float));
    std::vector<float> floats(count);
    std::memcpy(floats.data(), bytes.data(), bytes.size());
    return floats;
}

}  // namespace eventlens
