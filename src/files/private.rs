//! Who may read what lies on the disk: the account that runs the program, and nobody else of the machine.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// The mode of a file.
pub const FILE: u32 = 0o600;
/// The mode of a folder.
const FOLDER: u32 = 0o700;
/// Everything that others may do, and the group.
const OTHERS: u32 = 0o077;

/// Makes a folder and those above it that are missing, for their owner only.
///
/// # Errors
/// When the disk says no.
pub fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// Takes a folder and all that is in it from the others. Nothing is walked through when the folder itself is closed already: nobody else
/// comes to what is below it. What somebody else owns stays as it is.
///
/// # Errors
/// When the disk says no.
pub fn repair(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() || !is_open(&metadata) {
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            repair(&entry.path())?;
        } else if kind.is_file() {
            close(&entry.path(), FILE)?;
        }
    }
    // Last: should this be cut off, the next start begins again.
    close(path, FOLDER)
}

/// Takes a file or folder from the others; what is not there, or not ours, stays as it is.
///
/// # Errors
/// When the disk says no.
pub fn close(path: &Path, mode: u32) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if is_open(&metadata) => match fs::set_permissions(path, Permissions::from_mode(mode)) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            other => other,
        },
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes the data folder from the others, when everything in it is ours: `ours` knows by the name. A folder that the operator shares with
/// other things is the operator's.
///
/// # Errors
/// When the disk says no.
pub fn close_own(path: &Path, ours: impl Fn(&str) -> bool) -> io::Result<()> {
    let mut names = fs::read_dir(path)?;
    let is_ours = names.all(|entry| entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(&ours)));
    if is_ours { close(path, FOLDER) } else { Ok(()) }
}

fn is_open(metadata: &fs::Metadata) -> bool {
    !metadata.file_type().is_symlink() && metadata.mode() & OTHERS != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_others_could_read_is_closed() {
        let top = tempfile::tempdir().unwrap();
        let files = top.path().join("files");
        let deep = files.join("kept/ab");
        fs::create_dir_all(&deep).unwrap();
        let file = deep.join("x");
        fs::write(&file, "x").unwrap();
        for (path, mode) in [(&files, 0o755), (&deep, 0o755), (&file, 0o644)] {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        repair(&files).unwrap();
        assert_eq!([mode(&files), mode(&files.join("kept")), mode(&deep), mode(&file)], [0o700, 0o700, 0o700, 0o600]);
        let fresh = top.path().join("a/b");
        folder(&fresh).unwrap();
        assert_eq!(mode(&fresh), 0o700);
        close(&top.path().join("missing"), FILE).unwrap();
    }

    #[test]
    fn a_shared_folder_stays_the_operators() {
        let top = tempfile::tempdir().unwrap();
        fs::set_permissions(top.path(), Permissions::from_mode(0o755)).unwrap();
        fs::write(top.path().join("palabre.sqlite"), "").unwrap();
        fs::write(top.path().join("notes.txt"), "").unwrap();
        let ours = |name: &str| name.starts_with("palabre.sqlite");
        close_own(top.path(), ours).unwrap();
        assert_eq!(mode(top.path()), 0o755);
        fs::remove_file(top.path().join("notes.txt")).unwrap();
        close_own(top.path(), ours).unwrap();
        assert_eq!(mode(top.path()), 0o700);
    }
}
