#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes a site of the documentation, in docs/: the documents, and beside them what the source of the
# crates and of the module says. A warning is an error, and so is a link that leads nowhere.

. "${BASH_SOURCE[0]%/*}/common.sh"
cd "$checkout"

unset KDIR IOMD_KERNEL
enter=$qemu_dir/enter.sh
site=$checkout/docs
kernel_docs=https://rust.docs.kernel.org
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# lead_on DIRECTORY PAGE: a page for that directory of the site, which leads on to another.
lead_on() {
	cat >"$work/site/$1/index.html" <<-END
		<!DOCTYPE html>
		<meta charset="utf-8">
		<title>iomd</title>
		<meta http-equiv="refresh" content="0; url=$2">
		<a href="$2">iomd</a>
	END
}

documents() {
	"$enter" sphinx-build -W --keep-going -n -q -b html -d "$work/doctrees" -c Documentation . "$work/site"
	lead_on . Documentation/index.html
}

crates() {
	local doc=tools/target/x86_64-unknown-linux-gnu/doc
	rm -rf "$doc"
	(
		cd tools
		CARGO_BUILD_RUSTDOCFLAGS=-Dwarnings "$enter" cargo doc --quiet --lib --no-deps \
			--package iomd --package iomd-sys --package iomd-pure
	)
	cp -r "$doc" "$work/site/rust"
	lead_on rust iomd/index.html
}

# The command that compiles the module, with rustdoc for rustc: its flags say where the kernel's
# crates are. What interests a reader of a module is private.
module() {
	local command
	"$qemu_dir/module.sh" modules >&2
	command=$(sed -n -E '1{
		s/^[^=]*:= //
		s/ rustc / rustdoc /
		s/ (--out-dir |--emit=|-Zbinary_dep_depinfo=)[^ ]+//g
		p
	}' rust/.iomd.o.cmd)
	"$enter" env RUSTC_BOOTSTRAP=1 bash -c "$command"' "$@"' rustdoc --crate-name iomd --output "$work/site/module" \
		--document-private-items --generate-link-to-definition \
		--extern-html-root-url kernel=$kernel_docs -Dwarnings -Arustdoc::private-intra-doc-links
	lead_on module iomd/index.html
}

# What the kernel's crates, those who write for them and Rust's own link to, as their own builds would have it.
link_kernel() {
	local release source=https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/tree
	release=$(<"$("$qemu_dir/kernel.sh")/release")
	find "$work/site/module" -name '*.html' -exec sed -i \
		-e "s|href=\"srctree/\([^\"]*\)|href=\"$source/\1?h=v${release%%[-+]*}|g" \
		-e "s|href=\"vtable\"|href=\"$kernel_docs/macros/attr.vtable.html\"|g" \
		-e "s|href=\"%60ascii::Char%60\"|href=\"https://doc.rust-lang.org/core/ascii/enum.Char.html\"|g" {} +
}

documents
crates
module
link_kernel
"$enter" python3 "$qemu_dir/links.py" "$work/site"
rm -rf "$site"
mv "$work/site" "$site"
say "docs: ${site#"$PWD/"}/index.html"
