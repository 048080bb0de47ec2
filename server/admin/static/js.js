// Before anything is shown: what is for browsers with scripts appears, and what is for others goes.
document.documentElement.classList.add("js");
