//! What a file sink asks of the system, so that a test can be the system and fail, or lose its power.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use fs4::{FileExt, TryLockError};

/// Files as a sink needs them. Nothing is durable before it is synced: a file's content by [`sync`](Self::sync), its name by
/// [`sync_folder`](Self::sync_folder).
pub(super) trait Disk: Send {
    type File: Send;

    /// Opens a file for reading and writing, as it is; makes an empty one if there is none.
    fn open(&mut self, path: &Path) -> io::Result<Self::File>;

    /// Opens a file, if there is one.
    fn open_existing(&mut self, path: &Path) -> io::Result<Option<Self::File>>;

    /// Claims a file for this process until it is closed; false when another one has it.
    fn claim(&mut self, file: &mut Self::File) -> io::Result<bool>;

    /// Whether the file still has this name: another run may have given it its last one before it was claimed.
    fn is_at(&mut self, file: &mut Self::File, path: &Path) -> io::Result<bool>;

    /// Whether a folder has this name, so that no file can be given it.
    fn is_folder(&mut self, path: &Path) -> io::Result<bool>;

    fn len(&mut self, file: &mut Self::File) -> io::Result<u64>;

    /// The first so many bytes, or fewer if there are no more.
    fn read(&mut self, file: &mut Self::File, bytes: usize) -> io::Result<Vec<u8>>;

    fn write_at(&mut self, file: &mut Self::File, offset: u64, bytes: &[u8]) -> io::Result<()>;

    fn truncate(&mut self, file: &mut Self::File, len: u64) -> io::Result<()>;

    fn sync(&mut self, file: &mut Self::File) -> io::Result<()>;

    fn exists(&mut self, path: &Path) -> io::Result<bool>;

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, if there is one.
    fn remove(&mut self, path: &Path) -> io::Result<()>;

    /// Makes the names in the folder of `path` durable.
    fn sync_folder(&mut self, path: &Path) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug)]
pub(super) struct Real;

impl Disk for Real {
    type File = File;

    fn open(&mut self, path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    }

    fn open_existing(&mut self, path: &Path) -> io::Result<Option<File>> {
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn claim(&mut self, file: &mut File) -> io::Result<bool> {
        // By its full name: later standard libraries have a method of this name.
        match FileExt::try_lock(file) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    #[cfg(unix)]
    fn is_at(&mut self, file: &mut File, path: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt as _;
        let own = file.metadata()?;
        match fs::metadata(path) {
            Ok(named) => Ok((named.dev(), named.ino()) == (own.dev(), own.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Elsewhere the standard library cannot compare files.
    #[cfg(not(unix))]
    fn is_at(&mut self, _file: &mut File, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn is_folder(&mut self, path: &Path) -> io::Result<bool> {
        // Of a link itself, which a file can replace, wherever it leads.
        match fs::symlink_metadata(path) {
            Ok(named) => Ok(named.is_dir()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn len(&mut self, file: &mut File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    fn read(&mut self, file: &mut File, bytes: usize) -> io::Result<Vec<u8>> {
        file.seek(SeekFrom::Start(0))?;
        let mut content = Vec::new();
        file.take(bytes as u64).read_to_end(&mut content)?;
        Ok(content)
    }

    fn write_at(&mut self, file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    fn truncate(&mut self, file: &mut File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    fn sync(&mut self, file: &mut File) -> io::Result<()> {
        file.sync_data()
    }

    fn exists(&mut self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    #[cfg(unix)]
    fn sync_folder(&mut self, path: &Path) -> io::Result<()> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()
    }

    /// Elsewhere a folder cannot be opened as a file, and the system orders its names itself.
    #[cfg(not(unix))]
    fn sync_folder(&mut self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}
